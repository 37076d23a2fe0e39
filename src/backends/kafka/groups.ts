import { groupUnknown } from '../refusals.ts'
import type { GroupDescription } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type DescribedGroup, deleteOffsets, describeGroups, fetchOffsets, listGroups } from './calls-groups.ts'
import { type Cluster, type TopicView, persist } from './cluster.ts'
import { createChunk } from './decode-batch.ts'
import { fetchRecords } from './calls-log.ts'
import { KAFKA, groupActive, kafkaError } from './errors.ts'
import { askRanges } from './offsets.ts'
import { createCommits } from './commits.ts'
import { createMembership } from './membership.ts'
import { askPositions, commitIdle, moved } from './positions.ts'
import { decodeAssignment, decodeSubscription } from './share.ts'
import type { Witnesses } from './witnesses.ts'

/** A lag up to this is looked into, as it may be markers of transactions only. */
const MARKERS = 1_000
const LOOK_BYTES = 65_536

export async function listAllGroups(cluster: Cluster): Promise<{ group: string; topic: string }[]> {
  const found = await Promise.all(
    (await groupIds(cluster)).map(async (group) => {
      const topics = await persist(async () => {
        const answer = await cluster.toCoordinator(group, 'main', fetchOffsets(group, null))
        if (answer.error === KAFKA.GROUP_ID_NOT_FOUND) return []
        if (answer.error !== KAFKA.NONE) throw moved(cluster, group, answer.error)
        return [...answer.topics].filter(([, positions]) => positions.size > 0).map(([topic]) => topic)
      })
      return topics.map((topic) => ({ group, topic }))
    }),
  )
  return found.flat()
}

/** Groups of live members that want the topic. */
export async function groupsOn(cluster: Cluster, topic: string): Promise<readonly string[]> {
  const ids = await groupIds(cluster)
  const members = await Promise.all(ids.map(async (group) => [group, await membersOn(cluster, group, topic)] as const))
  return members.filter(([, found]) => found.length > 0).map(([group]) => group)
}

async function groupIds(cluster: Cluster): Promise<readonly string[]> {
  const nodes = await persist(() => cluster.nodes())
  const found = await Promise.all(
    nodes.map((node) =>
      persist(async () => {
        const { error, groups } = await cluster.toNode(node, 'main', listGroups())
        if (error !== KAFKA.NONE) throw kafkaError(error, 'groups')
        return groups
      }),
    ),
  )
  return [...new Set(found.flat())].sort()
}

export async function describeOneGroup(cluster: Cluster, group: string, topic: string): Promise<GroupDescription> {
  const view = await persist(() => cluster.topic(topic, 0))
  const [found, ranges, members] = await Promise.all([
    askPositions(cluster, group, view),
    persist(() => askRanges(cluster, topic)),
    membersOn(cluster, group, topic),
  ])
  if (found.size === 0 && members.length === 0) throw groupUnknown(group, topic)
  const positions = await Promise.all(
    ranges.map(async ({ first, end }, partition) => {
      const next = found.get(partition) ?? null
      const from = Math.max(next ?? first, first)
      return { next, end, lag: await lagOf(cluster, view, { partition, from, end }) }
    }),
  )
  return { group, topic, members, positions }
}

/** Counted from the first record that stands at or after the position: behind it there may be markers only. */
async function lagOf(
  cluster: Cluster,
  { name }: TopicView,
  { partition, from, end }: { readonly partition: number; readonly from: number; readonly end: number },
): Promise<number> {
  for (let at = from; end - at <= MARKERS && at < end; ) {
    const part = { partition, offset: at, maxBytes: LOOK_BYTES }
    const answer = await persist(async () =>
      cluster.toNode(
        await cluster.leaderOf(name, partition),
        'look',
        fetchRecords(name, [part], { waitMs: 0, maxBytes: LOOK_BYTES }),
      ),
    )
    const found = answer.parts[0]
    if (found === undefined || found.error !== KAFKA.NONE) break
    const place = `topic ${JSON.stringify(name)}, partition ${partition}`
    const chunk = createChunk({ bytes: found.records, from: at, aborted: found.aborted, place })
    const records: { offset: number }[] = []
    chunk.take(records as never, at, end, { maxRecords: 1, maxBytes: 1 })
    if (records[0] !== undefined) return end - records[0].offset
    if (chunk.next <= at) return 0
    at = chunk.next
    if (at >= end) return 0
  }
  return Math.max(0, end - from)
}

/**
 * While a group is sharing anew Kafka tells neither what its members want nor what they have. Members of ours have
 * positions on their topic before they join, so a group with such may have them.
 */
async function membersOn(cluster: Cluster, group: string, topic: string): Promise<GroupDescription['members']> {
  const { protocolType, state, members } = await describe(cluster, group)
  if (protocolType !== 'consumer' || members.length === 0) return []
  if (state !== 'Stable') {
    const view = await persist(() => cluster.topic(topic))
    return (await askPositions(cluster, group, view)).size === 0
      ? []
      : members.map(({ id }) => ({ id, partitions: [] }))
  }
  return members
    .filter(({ id, metadata }) => decodeSubscription(id, metadata).topics.includes(topic))
    .map(({ id, assignment }) => ({ id, partitions: [...decodeAssignment(assignment, topic)].sort((a, b) => a - b) }))
}

async function describe(cluster: Cluster, group: string): Promise<DescribedGroup> {
  return persist(async () => {
    const [found] = await cluster.toCoordinator(group, 'main', describeGroups([group]))
    if (found === undefined || found.error === KAFKA.GROUP_ID_NOT_FOUND) return NOBODY
    if (found.error !== KAFKA.NONE) throw moved(cluster, group, found.error)
    return found
  })
}

const NOBODY: DescribedGroup = { error: KAFKA.NONE, state: 'Dead', protocolType: '', members: [] }

export interface Reset {
  readonly group: string
  readonly topic: string
  readonly positions: readonly number[]
}

/** ERR_GROUP_ACTIVE; ERR_CONFIG where the positions are not the topic's. */
export async function resetGroup(
  { cluster, witnesses, log, lane }: { cluster: Cluster; witnesses: Witnesses; log: Log; lane: string },
  { group, topic, positions }: Reset,
): Promise<void> {
  const view = await persist(() => cluster.topic(topic, 0))
  checkPositions(topic, positions, await persist(() => askRanges(cluster, topic)))
  const wanted = [...positions.entries()]
  if (!(await commitIdle(cluster, group, topic, wanted))) {
    if ((await membersOn(cluster, group, topic)).length > 0) throw groupActive(group, topic)
    await commitAsGuest(cluster, { group, topic, lane, log }, wanted)
  }
  await witnesses.put(group, topic, { incarnation: view.id, partitions: view.leaders.length })
}

/**
 * Kafka takes the positions of a group that has members from a member only, whatever topics those read. So this one
 * joins, wanting nothing: the others keep their partitions. Whoever joins after this on the topic asks for its positions
 * after the generation in which they are committed.
 */
async function commitAsGuest(
  cluster: Cluster,
  { group, topic, lane, log }: { group: string; topic: string; lane: string; log: Log },
  positions: readonly (readonly [number, number])[],
): Promise<void> {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined)
  const guest = createMembership(cluster, {
    group,
    topic: null,
    lane,
    instance: null,
    log,
    owned: () => [],
    onShare: () => undefined,
    onExpired: () => undefined,
    onFailed: failed.reject,
  })
  try {
    await Promise.race([guest.start(), failed.promise])
    if ((await membersOn(cluster, group, topic)).length > 0) throw groupActive(group, topic)
    const commits = createCommits(cluster, guest, { group, topic, lane })
    await Promise.all(positions.map(([partition, next]) => commits.commit(partition, next, () => true)))
  } finally {
    await guest.leave()
    cluster.dropLanes(lane)
  }
}

function checkPositions(
  topic: string,
  positions: readonly number[],
  ranges: readonly { readonly end: number }[],
): void {
  const fits = positions.length === ranges.length
  const wrong = positions.findIndex(
    (next, p) => !Number.isSafeInteger(next) || next < 0 || next > (ranges[p]?.end ?? 0),
  )
  if (fits && wrong < 0) return
  const what = fits
    ? `partition ${wrong} ends at ${ranges[wrong]?.end}, ${positions[wrong]} is no position in it`
    : `it has ${ranges.length} partitions, ${positions.length} positions are given`
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `topic ${JSON.stringify(topic)}: ${what}; give every partition a position from 0 to its end`,
    { details: { topic, positions } },
  )
}

/** ERR_GROUP_ACTIVE, ERR_GROUP_UNKNOWN. */
export async function deleteGroup(cluster: Cluster, witnesses: Witnesses, group: string, topic: string): Promise<void> {
  const view = await persist(() => cluster.topic(topic, 0))
  const positions = await askPositions(cluster, group, view)
  if ((await membersOn(cluster, group, topic)).length > 0) throw groupActive(group, topic)
  if (positions.size === 0 && (await witnesses.get(group, topic)) === undefined) throw groupUnknown(group, topic)
  // The witness goes first: without it a group is only new, while positions without one make a witness anew.
  await witnesses.remove(group, topic)
  if (positions.size === 0) return
  await persist(async () => {
    const call = deleteOffsets(group, topic, view.leaders.length)
    const { error, partitions } = await cluster.toCoordinator(group, 'main', call)
    const first = [error, ...partitions.values()].find((code) => code !== KAFKA.NONE) ?? KAFKA.NONE
    if (first === KAFKA.NON_EMPTY_GROUP || first === KAFKA.GROUP_SUBSCRIBED_TO_TOPIC) throw groupActive(group, topic)
    if (first !== KAFKA.NONE && first !== KAFKA.GROUP_ID_NOT_FOUND) {
      throw moved(cluster, group, first, 'Delete on the group and Read on the topic')
    }
  })
}
