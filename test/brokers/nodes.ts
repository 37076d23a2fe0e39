import { type Broker, BROKER_NAMES, type BrokerName, type Note } from './broker.ts'
import { cacheFolder } from './cache.ts'
import { withLock } from './lock.ts'
import { endNode, nodeReady, signalNode, startProcess } from './node.ts'
import { BROKERS } from './table.ts'
import { type BrokerState, type NodeState, readState, runs, writeState } from './state.ts'

/** A node as tests see it. */
export interface NodeStatus {
  readonly broker: BrokerName
  readonly node: string
  readonly running: boolean
  /** Leader of the node's process group; of RabbitMQ and the registry the process that holds their namespace. */
  readonly pid: number | undefined
  readonly ports: Readonly<Record<string, number>>
  readonly config: string
  readonly log: string
}

/** All nodes of this clone that `up` started and `down` has not ended yet, dead ones too. */
export function listNodes(): readonly NodeStatus[] {
  return BROKER_NAMES.flatMap((broker) =>
    (readState(broker)?.nodes ?? []).map((node) => ({
      broker,
      node: node.name,
      running: runs(node),
      pid: node.leader?.pid,
      ports: node.ports,
      config: node.config,
      log: node.log,
    })),
  )
}

/** Starts a node that is dead, with its data and on its ports, and resolves when it serves; nothing to do when it runs. */
export function startNode(name: string): Promise<void> {
  return startNodes([name])
}

/** As `startNode` for nodes that get ready only together, such as the majority of a cluster. */
export function startNodes(names: readonly string[]): Promise<void> {
  return underLock(async () => {
    const started: { readonly broker: Broker; readonly node: NodeState }[] = []
    for (const name of names) {
      const { state, node: found } = findNode(name)
      const broker = BROKERS[state.broker]
      const node = runs(found) ? found : await startProcess(broker, found)
      writeState(withNode(state, node))
      started.push({ broker, node })
    }
    for (const { broker, node } of started) await nodeReady(broker, node, [node])
  })
}

/**
 * Sends a signal to all processes of a node. SIGKILL and SIGTERM resolve when they are gone; SIGSTOP and SIGCONT at once.
 * Its data stays for `startNode`.
 */
export async function killNode(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  await signalNode(findNode(name).node, signal)
}

/** Ends a node in order and starts it again with its data. */
export async function restartNode(name: string): Promise<void> {
  await endNode(findNode(name).node)
  await startNode(name)
}

/** Alone with the cache: no other clone, no other process fills it, takes ports or starts nodes meanwhile. */
export function underLock<T>(work: () => Promise<T>, note: Note = () => undefined): Promise<T> {
  return withLock(cacheFolder(), () => note('waiting for another brokers command'), work)
}

export function withNode(state: BrokerState, node: NodeState): BrokerState {
  return { ...state, nodes: state.nodes.map((other) => (other.name === node.name ? node : other)) }
}

function findNode(name: string): { readonly state: BrokerState; readonly node: NodeState } {
  const broker = BROKER_NAMES.find((one) => BROKERS[one].nodes.some((node) => node.name === name))
  if (broker === undefined) {
    const all = BROKER_NAMES.flatMap((one) => BROKERS[one].nodes.map((node) => node.name))
    throw new Error(`there is no node ${JSON.stringify(name)}; there are ${all.join(', ')}`)
  }
  const state = readState(broker)
  const node = state?.nodes.find((one) => one.name === name)
  if (state === undefined || node === undefined) {
    throw new Error(`${broker} is not up; start it with \`npm run brokers -- up ${broker}\``)
  }
  return { state, node }
}
