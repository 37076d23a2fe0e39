import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker, BrokerName, NodePlan, Note } from './broker.ts'
import { runFolder, runsFolder } from './cache.ts'
import { endNode, nodeReady, startProcess } from './node.ts'
import { underLock, withNode } from './nodes.ts'
import { freeSlot, portAt } from './ports.ts'
import { bootId } from './process-group.ts'
import { allStates, type BrokerState, readState, removeState, runs, writeState } from './state.ts'
import { BROKERS } from './table.ts'

/** Their data is thrown away, so nodes that hang (a Kafka node without its quorum) are not waited for long. */
const GRACE_MS = 5_000

/**
 * Brings up the brokers, one after the other, and resolves to their variables when all are ready. What runs is left as it is;
 * of a broker with a dead node that node is started with its data; a broker without a running node starts from nothing.
 */
export function up(names: readonly BrokerName[], note: Note): Promise<Readonly<Record<string, string>>> {
  return underLock(async () => {
    const variables: Record<string, string> = {}
    for (const name of names) Object.assign(variables, await upOne(BROKERS[name], note))
    return variables
  }, note)
}

/** Ends what `up` started in this clone, and nothing else; resolves when no process is left. Logs and config stay. */
export function down(names: readonly BrokerName[], note: Note): Promise<void> {
  return underLock(async () => {
    for (const name of names) await downOne(name, note)
  }, note)
}

async function upOne(broker: Broker, note: Note): Promise<Readonly<Record<string, string>>> {
  const started = performance.now()
  const found = readState(broker.name)
  const alive = found?.nodes.filter(runs) ?? []
  const state = found !== undefined && alive.length > 0 ? found : await fresh(broker, note)
  if (alive.length === state.nodes.length) note(`${broker.name} is up already`)
  const running = await startDead(broker, state)
  for (const node of running.nodes) await nodeReady(broker, node, running.nodes)
  if (alive.length < state.nodes.length) note(`${broker.name} is ready after ${secondsSince(started)} s`)
  return broker.variables(running.nodes)
}

async function fresh(broker: Broker, note: Note): Promise<BrokerState> {
  await broker.install(note)
  note(`starting ${broker.name}`)
  const offsets = [...new Set(broker.nodes.flatMap((node) => Object.values(node.ports)))]
  // Slots of this clone's other brokers are no hindrance: their ports lie elsewhere in the slot.
  const others = allStates(runsFolder()).filter((state) => state.broker === broker.name)
  removeState(broker.name)
  const slot = await freeSlot(offsets, new Set(others.map((state) => state.slot)))
  const folder = join(runFolder(), broker.name)
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  const nodes = broker.nodes.map((node) => planOf(broker, node, slot, join(folder, node.name)))
  for (const node of nodes) await mkdir(node.folder, { recursive: true })
  await broker.prepare(nodes)
  return { broker: broker.name, bootId: bootId(), slot, nodes }
}

function planOf(broker: Broker, node: Broker['nodes'][number], slot: number, folder: string): NodePlan {
  return {
    name: node.name,
    ports: Object.fromEntries(Object.entries(node.ports).map(([what, offset]) => [what, portAt(slot, offset)])),
    folder,
    config: join(folder, broker.config),
    log: join(folder, 'node.log'),
  }
}

/** Written down after each start, so that `down` finds what an interrupted `up` began. */
async function startDead(broker: Broker, state: BrokerState): Promise<BrokerState> {
  let now = state
  for (const node of state.nodes) {
    if (runs(node)) continue
    now = withNode(now, await startProcess(broker, node))
    writeState(now)
  }
  return now
}

async function downOne(name: BrokerName, note: Note): Promise<void> {
  const state = readState(name)
  const ends = await Promise.all(
    (state?.nodes ?? []).map(async (node) => ({ node, end: await endNode(node, GRACE_MS) })),
  )
  for (const { node, end } of ends) {
    if (end !== 'gone') note(`${node.name} ${end === 'ended' ? 'ended' : 'did not end in time and was killed'}`)
    await rm(join(node.folder, 'data'), { recursive: true, force: true, maxRetries: 3 })
  }
  removeState(name)
}

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1)
}
