import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import type { Connections } from './connections.ts'
import { CODES, type Endpoint, refusal, type StreamMetadata } from './protocol/commands.ts'
import { queryMetadata, whenAvailable, whenCommitted } from './protocol/requests.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import type { Node } from './url.ts'

/** How long a leader that is away is waited for: by then the others have elected another one. */
const PATIENCE_MS = 15_000
const INTERVAL_MS = 100

/**
 * Connections to the nodes that lead streams. A cluster acknowledges what most copies have, so any other node may not have
 * heard yet of what was acknowledged; the leader has.
 */
export interface Leaders {
  /** Asks the node that leads the stream, on `connection` where that is it; another one when the leader changes meanwhile. */
  ask<T>(connection: StreamConnection, stream: string, question: (leader: StreamConnection) => Promise<T>): Promise<T>
  /**
   * Resolves when what was stored by `connection` is on most copies, so that no other leader takes it back. The broker
   * tells the connection when the leader changes; then it is not to be used any more.
   */
  settled(connection: StreamConnection, stream: string): Promise<void>
}

export function createLeaders(connections: Connections): Leaders {
  const { nodes, place } = connections.target
  /** By the address under which a node is known in its cluster, which need not be the one in the URL. */
  const opened = new Map<string, Promise<StreamConnection>>()
  const nodesByAddress = new Map<string, Node>()
  /** Questions of one moment are asked together. */
  const asked = new WeakMap<StreamConnection, { streams: Set<string>; answer: Promise<readonly StreamMetadata[]> }>()

  /** Whom a connection's streams are led by, as long as it lives. */
  const leading = new WeakMap<StreamConnection, Map<string, StreamConnection>>()

  async function settled(connection: StreamConnection, stream: string): Promise<void> {
    // That a stream has one copy would be no short cut: RabbitMQ does not name copies that are out of its reach.
    const known = leading.get(connection) ?? new Map<string, StreamConnection>()
    leading.set(connection, known)
    const leader = known.get(stream)
    if (leader !== undefined && leader.failure === undefined) return whenCommitted(leader, stream)
    await ask(connection, stream, async (found) => {
      known.set(stream, found)
      await whenCommitted(found, stream)
    })
  }

  async function ask<T>(
    connection: StreamConnection,
    stream: string,
    question: (leader: StreamConnection) => Promise<T>,
  ): Promise<T> {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      const { leader: endpoint, replicas } = await whenAvailable(() => ledBy(connection, stream))
      const isHere = addressOf(connection) === textOf(endpoint)
      if (!isHere && replicas.length === 0) {
        // One copy is its own leader, whatever the node calls itself; copies that came back meanwhile are none.
        const answer = await question(connection)
        if ((await whenAvailable(() => ledBy(connection, stream))).replicas.length === 0) return answer
        continue
      }
      let leader: StreamConnection | undefined
      try {
        leader = isHere ? connection : await connectTo(endpoint)
        return await question(leader)
      } catch (error) {
        if (leader === connection || connection.failure !== undefined || connections.signal.aborted) throw error
        // Not the leader's connection is at fault, but the question.
        if (leader !== undefined && leader.failure === undefined) throw error
        if (performance.now() > until) throw unreachable(stream, endpoint, error)
      }
      await sleep(INTERVAL_MS)
    }
  }

  async function ledBy(
    connection: StreamConnection,
    stream: string,
  ): Promise<{ readonly leader: Endpoint; readonly replicas: readonly Endpoint[] }> {
    const found = (await metadataOf(connection, stream)).find((each) => each.stream === stream)
    const { code, leader = null, replicas = [] } = found ?? {}
    if (code !== CODES.OK || leader === null)
      throw refusal('Metadata', code === CODES.StreamDoesNotExist ? code : CODES.StreamNotAvailable)
    const address = textOf(leader)
    if (replicas.some((replica) => textOf(replica) === address)) throw ambiguous(address)
    return { leader, replicas }
  }

  function metadataOf(connection: StreamConnection, stream: string): Promise<readonly StreamMetadata[]> {
    const open = asked.get(connection)
    if (open !== undefined) {
      open.streams.add(stream)
      return open.answer
    }
    const streams = new Set([stream])
    const answer = Promise.resolve().then(() => {
      asked.delete(connection)
      return queryMetadata(connection, [...streams])
    })
    asked.set(connection, { streams, answer })
    return answer
  }

  function connectTo(endpoint: Endpoint): Promise<StreamConnection> {
    const address = textOf(endpoint)
    let opening = opened.get(address)
    if (opening === undefined) {
      opening = open(endpoint)
      opened.set(address, opening)
      const forget = () => opened.delete(address)
      opening.then((connection) => connection.closed.then(forget), forget)
    }
    return opening
  }

  /** The node of the URL that says of itself what the cluster says of the leader; else whoever is where it says. */
  async function open(endpoint: Endpoint): Promise<StreamConnection> {
    let failure: unknown = new Error('no node of the URL says so of itself')
    for (const node of candidates(endpoint)) {
      try {
        const connection = await connections.openStreamsAt(node, `drawbridge leader ${randomUUID()}`)
        const address = addressOf(connection)
        // With TLS a node may call itself otherwise than its cluster does (advertised_tls_host).
        if (isAt(node, endpoint)) return connection
        nodesByAddress.delete(textOf(endpoint))
        nodesByAddress.set(address, node)
        if (address === textOf(endpoint)) return connection
        await connection.close()
      } catch (error) {
        failure = error
        if (connections.signal.aborted) break
      }
    }
    throw failure
  }

  function candidates(endpoint: Endpoint): readonly Node[] {
    const known = nodesByAddress.get(textOf(endpoint))
    if (known !== undefined) return [known]
    const isElsewhere = (node: Node) => [...nodesByAddress.values()].includes(node)
    const named = nodes.filter((node) => isAt(node, endpoint))
    const others = nodes.filter((node) => !isAt(node, endpoint) && !isElsewhere(node))
    // Of a cluster behind one name, as other stream clients do.
    const direct = { ...nodes[0], host: endpoint.host, streamPort: endpoint.port }
    return [...named, ...others, ...(named.length > 0 ? [] : [direct])]
  }

  function ambiguous(address: string): DrawbridgeError {
    return new DrawbridgeError(
      'ERR_CONFIG',
      `${place}: several nodes say that they are ${address}, so it cannot be told which of them knows all that was acknowledged; give each its own stream.advertised_host and stream.advertised_port`,
    )
  }

  function unreachable(stream: string, endpoint: Endpoint, error: unknown): DrawbridgeError {
    return new DrawbridgeError(
      'ERR_BROKER_UNREACHABLE',
      `${place}: the node ${textOf(endpoint)} leads ${stream} and cannot be reached: ${errorText(error)}; see that it runs and name all nodes of the cluster in the URL, it will be tried again`,
      { cause: error, details: { outcome: 'not-written' } },
    )
  }

  return { ask, settled }
}

function isAt({ host, streamPort }: Node, endpoint: Endpoint): boolean {
  return host === endpoint.host && streamPort === endpoint.port
}

function textOf({ host, port }: Endpoint): string {
  return `${host}:${port}`
}

/** Whether two connections are to one node. */
export function isSameNode(one: StreamConnection, other: StreamConnection): boolean {
  return addressOf(one) === addressOf(other)
}

/** As the node calls itself, and its cluster it. */
function addressOf({ peer }: StreamConnection): string {
  return `${peer.get('advertised_host')}:${peer.get('advertised_port')}`
}
