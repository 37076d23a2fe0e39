import { setTimeout as pause } from 'node:timers/promises'
import type { Broker, NodePlan } from './broker.ts'
import { messageOf } from './error.ts'
import { endGroup, groupGone, isAlive, type Leader, signalGroup, startGroup } from './process-group.ts'
import { type NodeState, runs } from './state.ts'
import { tailOf } from './tools.ts'

const READY_MS = 120_000
const END_MS = 30_000
const POLL_MS = 100

/** Starts the node's process; it is not ready yet. */
export async function startProcess(broker: Broker, node: NodePlan): Promise<NodeState> {
  return { ...node, leader: await startGroup(broker.command(node), node.log) }
}

/** Resolves when the node serves and knows its peers; rejects with the end of its log when it ends instead, or never does. */
export async function nodeReady(broker: Broker, node: NodeState, peers: readonly NodePlan[]): Promise<void> {
  const until = performance.now() + READY_MS
  for (;;) {
    if (!runs(node))
      throw new Error(`node ${node.name} ended instead of getting ready; the end of ${node.log}:\n${tailOf(node.log)}`)
    const why = await broker.probe(node, peers).then(() => undefined, messageOf)
    if (why === undefined) return
    if (performance.now() > until) {
      throw new Error(
        `node ${node.name} is not ready after ${READY_MS} ms: ${why}; the end of ${node.log}:\n${tailOf(node.log)}`,
      )
    }
    await pause(POLL_MS)
  }
}

/** Ends the node's processes, in order if they manage within the grace; nothing to do when they are gone. */
export async function endNode(node: NodeState, graceMs = END_MS): Promise<'gone' | 'ended' | 'killed'> {
  return node.leader === undefined ? 'gone' : endGroup(node.leader, graceMs)
}

/** Signals all processes of the node; resolves, where the signal ends them, when none is left. */
export async function signalNode(node: NodeState, signal: NodeJS.Signals): Promise<void> {
  const leader = runningLeader(node)
  if (!signalGroup(leader, signal)) throw new Error(`node ${node.name} ended before ${signal} reached it`)
  if (signal !== 'SIGKILL' && signal !== 'SIGTERM') return
  if (!(await groupGone(leader.pid, END_MS))) {
    throw new Error(`node ${node.name} still runs ${END_MS} ms after ${signal}; see ${node.log}`)
  }
}

function runningLeader(node: NodeState): Leader {
  if (node.leader !== undefined && isAlive(node.leader)) return node.leader
  throw new Error(`node ${node.name} does not run; start it with \`npm run brokers -- start ${node.name}\``)
}
