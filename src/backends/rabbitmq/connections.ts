import type { ChannelModel } from 'amqplib'
import type { Socket } from 'node:net'
import { errorText, isDrawbridgeError } from '../../core/errors.ts'
import { firstAnswer } from '../first-answer.ts'
import { readTlsFiles, type TlsOptions } from '../tls-files.ts'
import { awayError, brokerError, closedError, unsupported } from './errors.ts'
import { openStreamConnection } from './protocol/handshake.ts'
import { openSocket } from './protocol/socket.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { type Node, passwordOf, type Target } from './url.ts'

type Tls = TlsOptions & { servername?: string }

/** A RabbitMQ that starts takes AMQP before streams, and connections before it knows its virtual hosts and streams again. */
const RESTART_MS = 60_000
const SETTLE_MS = 15_000
/** How long a node may be silent before another one is tried, too. */
const PATIENCE_MS = 1_000
const LEAST_VERSION = [3, 13] as const
const PROBE_TIMEOUT_MS = 3_000
const AMQP_CONNECT_TIMEOUT_MS = 10_000
/** What one change of the topology may take by AMQP 0-9-1. */
const AMQP_TIMEOUT_MS = 60_000

/** All connections of one backend. What is open, or being opened, when it is closed ends with it. */
export interface Connections {
  readonly target: Target
  /** Aborts when all is to end. */
  readonly signal: AbortSignal
  /** The broker is away, or has been back for seconds only: what it does not know now it may know again soon. */
  isSettling(): boolean
  /**
   * A new connection of the stream protocol, to the first node that answers. ERR_BROKER_UNREACHABLE, ERR_CONFIG (login,
   * virtual host, TLS), ERR_UNSUPPORTED for a RabbitMQ that is too old or has no stream plugin; each says what mends it. What
   * was right once is for a minute no mistake, but a broker out of reach.
   */
  openStreams(name: string): Promise<StreamConnection>
  /** To this node and no other. Errors as of `openStreams`, at once. */
  openStreamsAt(node: Node, name: string): Promise<StreamConnection>
  /** For a connection that is opened now; undefined without TLS. ERR_CONFIG. */
  tlsOptions(): Promise<Tls | undefined>
  /** Works on a connection of AMQP 0-9-1 and ends it. Errors as of `openStreams`. */
  withAmqp(work: (amqp: ChannelModel) => Promise<void>): Promise<void>
  /** Ends all at once. Idempotent. */
  close(): Promise<void>
}

export function createConnections(target: Target): Connections {
  const { nodes, place, virtualHost, user } = target
  const ending = new AbortController()
  const { signal } = ending
  const works = new Set<Promise<unknown>>()
  let answering = 0
  let wasOpen = false
  let failingSince: number | undefined
  let settledAt = 0

  async function tlsOptions(): Promise<Tls | undefined> {
    if (!target.tls) return undefined
    const { servername } = target
    return { ...(await readTlsFiles(target.files)), ...(servername === undefined ? {} : { servername }) }
  }

  /**
   * Tries one node after the other, beginning with the one that answered last, and the next one too where one is silent: a node
   * that stands still lets everybody wait. What another node would answer alike ends it.
   */
  async function onAnyNode<T>(work: (node: Node) => Promise<T>, discard: (late: T) => unknown): Promise<T> {
    let isOver = false
    const order = [...nodes.slice(answering), ...nodes.slice(0, answering)]
    const attempts = order.map((node) => async () => {
      if (signal.aborted) throw closedError(place)
      const done = await work(node)
      if (isOver) discard(done)
      else answering = nodes.indexOf(node)
      isOver = true
      return done
    })
    try {
      return await firstAnswer(attempts, {
        patienceMs: PATIENCE_MS,
        isFinal: (error) => signal.aborted || (isDrawbridgeError(error) && error.verdict === 'refuse'),
      })
    } catch (error) {
      throw signal.aborted ? closedError(place) : error
    } finally {
      isOver = true
    }
  }

  async function openStreams(name: string): Promise<StreamConnection> {
    try {
      const connection = await onAnyNode(
        tracked((node: Node) => openStreamsAt(node, name)),
        (late) => late.close(),
      )
      if (failingSince !== undefined) settledAt = performance.now() + SETTLE_MS
      failingSince = undefined
      wasOpen = true
      return connection
    } catch (error) {
      if (!wasOpen || signal.aborted) throw error
      failingSince ??= performance.now()
      const isRefused = isDrawbridgeError(error) && error.verdict === 'refuse'
      throw isRefused && performance.now() - failingSince < RESTART_MS ? awayError(error) : error
    }
  }

  async function openStreamsAt(node: Node, name: string): Promise<StreamConnection> {
    const [password, tls] = await Promise.all([passwordOf(target), tlsOptions()])
    const { host, streamPort: port } = node
    try {
      const login = { user, password, virtualHost, connectionName: name, checkPeer }
      return await openStreamConnection({ host, port, tls }, login, signal)
    } catch (error) {
      // A connection that broke on the way says nothing of what the broker can do.
      if (isNoStreamPort(error) && (await answersAmqp(node, tls))) {
        throw unsupported(
          place,
          `takes AMQP but no streams on port ${port} (${errorText(error)})`,
          `run "rabbitmq-plugins enable rabbitmq_stream" on the broker, or name its stream port with ?stream=PORT${target.tls ? '' : ' (amqps: where that wants TLS)'}`,
        )
      }
      throw brokerError(place, `cannot open a stream connection on port ${port}`, error, 'not-written')
    }
  }

  function checkPeer(peer: ReadonlyMap<string, string>): void {
    const version = peer.get('version') ?? 'of an unknown version'
    if (!isOlder(version)) return
    throw unsupported(
      place,
      `is RabbitMQ ${version}`,
      `super streams need ${LEAST_VERSION.join('.')} or later; upgrade, then "rabbitmqctl enable_feature_flag all"`,
    )
  }

  async function answersAmqp({ host, amqpPort: port }: Node, tls: Tls | undefined): Promise<boolean> {
    try {
      const socket = await openSocket({ host, port, tls }, PROBE_TIMEOUT_MS, signal)
      socket.on('error', () => socket.destroy())
      socket.destroy()
      return true
    } catch {
      // Neither port answers: it is the broker that is away.
      return false
    }
  }

  async function openAmqp({ host: hostname, amqpPort: port }: Node): Promise<ChannelModel> {
    const { connect } = await import('amqplib')
    const protocol = target.tls ? 'amqps' : 'amqp'
    const [username, password, vhost] = [user, await passwordOf(target), virtualHost]
    // Without heartbeats: their timer would keep the process for minutes where the socket ends without a word.
    const login = { protocol, hostname, port, username, password, vhost, heartbeat: 0 }
    const options = { ...(await tlsOptions()), noDelay: true, timeout: AMQP_CONNECT_TIMEOUT_MS }
    return connect(login, options)
  }

  function socketOf(amqp: ChannelModel): Socket {
    return (amqp.connection as unknown as { readonly stream: Socket }).stream
  }

  /** Nobody listens to it. */
  function endAmqp(amqp: ChannelModel): void {
    amqp.on('error', () => undefined)
    socketOf(amqp)
      .on('error', () => undefined)
      .destroy()
  }

  /** amqplib limits no request in time and rejects none on close: its socket is destroyed, which does. */
  async function workOn(amqp: ChannelModel, work: (amqp: ChannelModel) => Promise<void>): Promise<void> {
    const stream = socketOf(amqp)
    stream.on('error', () => undefined)
    const over = Promise.withResolvers<never>()
    const end = (why: Error) => {
      stream.destroy(why)
      over.reject(why)
    }
    const onAbort = () => end(closedError(place))
    const timer = setTimeout(() => end(new Error(`not done within ${AMQP_TIMEOUT_MS} ms`)), AMQP_TIMEOUT_MS)
    amqp.on('error', (error: Error) => over.reject(error))
    amqp.on('close', () => over.reject(new Error('the connection was closed by the other side')))
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) onAbort()
      await Promise.race([work(amqp), over.promise])
      await Promise.race([amqp.close(), over.promise]).catch(() => undefined)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      stream.destroy()
    }
  }

  async function withAmqp(work: (amqp: ChannelModel) => Promise<void>): Promise<void> {
    try {
      const amqp = await onAnyNode(tracked(openAmqp), endAmqp)
      await workOn(amqp, work)
    } catch (error) {
      throw brokerError(place, 'cannot change the topology by AMQP 0-9-1', error, 'not-written')
    }
  }

  function tracked<A extends unknown[], T>(call: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return (...args) => {
      const working = call(...args)
      const settled = working.then(
        () => undefined,
        () => undefined,
      )
      works.add(settled)
      void settled.then(() => works.delete(settled))
      return working
    }
  }

  return {
    target,
    signal,
    isSettling: () => failingSince !== undefined || performance.now() < settledAt,
    tlsOptions,
    openStreams: tracked(openStreams),
    openStreamsAt: tracked(openStreamsAt),
    withAmqp: tracked(withAmqp),
    async close() {
      ending.abort(closedError(place))
      await Promise.all(works)
    },
  }
}

function isNoStreamPort(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ECONNREFUSED' || errorText(error).startsWith('malformed')
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1])
}
