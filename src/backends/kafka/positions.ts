import type { Assignment, StartPosition } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import { commitOffsets, fetchOffsets } from './calls-groups.ts'
import { type Cluster, type TopicView, persist } from './cluster.ts'
import { KAFKA, kafkaError } from './errors.ts'
import { askOffsetsAt, askRanges } from './offsets.ts'
import type { Witness, Witnesses } from './witnesses.ts'

export interface Group {
  readonly group: string
  readonly topic: string
  readonly from: StartPosition
}

/** By partition; none where the group has no position. */
export async function askPositions(
  cluster: Cluster,
  group: string,
  topic: TopicView,
): Promise<ReadonlyMap<number, number>> {
  const wanted = { name: topic.name, partitions: topic.leaders.length }
  return persist(async () => {
    const { error, topics } = await cluster.toCoordinator(group, 'main', fetchOffsets(group, wanted))
    if (error === KAFKA.GROUP_ID_NOT_FOUND) return new Map()
    if (error !== KAFKA.NONE) throw moved(cluster, group, error)
    return topics.get(topic.name) ?? new Map()
  })
}

/**
 * Commits without being a member, which Kafka takes only while the group has none (OffsetCommit with generation -1).
 * False where it has: nothing is changed then.
 */
export async function commitIdle(
  cluster: Cluster,
  group: string,
  topic: string,
  positions: readonly (readonly [partition: number, next: number])[],
): Promise<boolean> {
  if (positions.length === 0) return true
  return persist(async () => {
    const nobody = { group, member: '', instance: null, generation: -1 }
    const errors = await cluster.toCoordinator(group, 'main', commitOffsets(nobody, topic, positions))
    const error = [...errors.values()].find((code) => code !== KAFKA.NONE) ?? KAFKA.NONE
    if (ACTIVE.has(error)) return false
    if (error !== KAFKA.NONE) throw moved(cluster, group, error)
    return true
  })
}

const ACTIVE = new Set<number>([KAFKA.UNKNOWN_MEMBER_ID, KAFKA.ILLEGAL_GENERATION, KAFKA.REBALANCE_IN_PROGRESS])

/**
 * Before joining: what a new group starts from is committed for all partitions at once. Kafka takes that only while
 * nobody has joined, so whoever comes second finds the first one's positions and resolves nothing anew. With members
 * already there (perhaps on another topic) each member settles what it is given: `settlePositions`.
 */
export async function preparePositions(cluster: Cluster, witnesses: Witnesses, options: Group): Promise<void> {
  const { group, topic } = options
  const view = await persist(() => cluster.topic(topic, 0))
  const starts = await resolveStart(cluster, options)
  const positions = await askPositions(cluster, group, view)
  const witness = await validWitness(witnesses, options, view)
  const missing = [...view.leaders.keys()].filter((partition) => !positions.has(partition))
  if (witness !== undefined) return
  const committed = await commitIdle(
    cluster,
    group,
    topic,
    missing.map((partition) => [partition, starts[partition] ?? 0]),
  )
  if (committed) await witnesses.put(group, topic, { incarnation: view.id, partitions: view.leaders.length })
}

export interface Settled {
  readonly assignments: readonly Assignment[]
  /** To be committed before they are handed out. */
  readonly fresh: readonly (readonly [partition: number, next: number])[]
}

/** Where the partitions just given to this member go on. */
export async function settlePositions(
  cluster: Cluster,
  witnesses: Witnesses,
  options: Group,
  partitions: readonly number[],
): Promise<Settled> {
  const { group, topic } = options
  const view = await persist(() => cluster.topic(topic, 0))
  const positions = await askPositions(cluster, group, view)
  const ranges = await persist(() => askRanges(cluster, topic))
  const missing = partitions.filter((partition) => !positions.has(partition))
  const witness = missing.length === 0 ? undefined : await validWitness(witnesses, options, view)
  const starts = missing.length > 0 && witness === undefined ? await resolveStart(cluster, options) : []
  const fresh: [number, number][] = []
  const assignments = partitions.map((partition): Assignment => {
    const { first, end } = ranges[partition] ?? { first: 0, end: 0 }
    const position = positions.get(partition)
    if (position !== undefined) {
      const readable = position >= first && position <= end
      return readable ? { partition, position } : { partition, position: first, lost: { position } }
    }
    if (witness !== undefined && partition < witness.partitions) {
      return { partition, position: first, lost: { position: null } }
    }
    const start = witness === undefined ? Math.min(Math.max(starts[partition] ?? first, first), end) : first
    fresh.push([partition, start])
    return { partition, position: start }
  })
  return { assignments, fresh }
}

/** After `fresh` of `settlePositions` is committed. */
export async function witnessPositions(cluster: Cluster, witnesses: Witnesses, options: Group): Promise<void> {
  const view = await persist(() => cluster.topic(options.topic))
  await witnesses.put(options.group, options.topic, { incarnation: view.id, partitions: view.leaders.length })
}

/** Of an earlier life of the topic nothing counts any more. */
async function validWitness(
  witnesses: Witnesses,
  { group, topic }: Group,
  view: TopicView,
): Promise<Witness | undefined> {
  const witness = await witnesses.get(group, topic)
  return witness?.incarnation === view.id ? witness : undefined
}

/** By partition number. ERR_CONFIG for an offset beyond the end. */
export async function resolveStart(cluster: Cluster, { topic, from }: Group): Promise<readonly number[]> {
  const ranges = await persist(() => askRanges(cluster, topic))
  if (from === 'earliest') return ranges.map(({ first }) => first)
  if (from === 'latest') return ranges.map(({ end }) => end)
  if ('timestamp' in from) return persist(() => askOffsetsAt(cluster, topic, from.timestamp))
  return ranges.map(({ first, end }, partition) => {
    const offset = from.offsets[partition] ?? first
    if (offset <= end) return Math.max(offset, first)
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${JSON.stringify(topic)}, partition ${partition}: offset ${offset} is beyond the end ${end}; give one up to ${end}`,
      { details: { topic, partition, offset, end } },
    )
  })
}

export function moved(cluster: Cluster, group: string, error: number, right?: string): DrawbridgeError {
  cluster.forgetCoordinator(group)
  return kafkaError(error, `group ${JSON.stringify(group)}`, 'not-written', right)
}
