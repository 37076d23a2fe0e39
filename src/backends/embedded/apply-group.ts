import { existingTopic } from './apply-log.ts'
import { EMPTY_PARTITION, type PartitionState, type StoreWrites, type TopicDoc } from './documents.ts'
import { getGroup, getPartition, getPosition, getTick, putGroup, putPosition, putTick } from './documents.ts'
import { fenced } from './errors.ts'
import type { GroupDoc, MemberDoc } from './leases.ts'
import { advanceTick, heldBy, newGroup, takeTurn, withMember, withReleased, withoutMembers } from './leases.ts'
import { isProcessAlive, processStarted } from './process-life.ts'
import { checkPosition, partitionStates } from './positions.ts'
import type { CommitRequest, FirstPositions, JoinRequest, LeaveRequest, LeasedAssignment } from './requests.ts'
import type { ReleaseRequest, TurnRequest, TurnResult } from './requests.ts'

const GONE: TurnResult = {
  gone: true,
  assigned: [],
  surplus: [],
  held: [],
  wanting: true,
  generation: 0,
  expired: false,
}

export const isAlive = (member: MemberDoc): boolean => isProcessAlive(member.pid, member.started)

export function applyJoin(store: StoreWrites, request: JoinRequest, dir: string): TurnResult {
  const topic = existingTopic(store, request.topic, dir)
  const states = partitionStates(store, topic)
  const doc = getGroup(store, request.group, topic.id) ?? newGroup(topic.incarnation, 0)
  const first = doc.known === 0 ? firstPositions(request, states) : []
  first.forEach((next, partition) => putPosition(store, request.group, topic.id, partition, next))
  const me = { seen: tickNow(store), pid: process.pid, started: processStarted(process.pid) }
  const known = Math.max(doc.known, first.length)
  return turn(store, request, topic, withMember({ ...doc, known }, request.member, me), true)
}

export function applyTurn(store: StoreWrites, request: TurnRequest, dir: string): TurnResult {
  const topic = existingTopic(store, request.topic, dir)
  const doc = getGroup(store, request.group, topic.id)
  return doc === undefined ? GONE : turn(store, request, topic, doc, request.mayTake)
}

export function applyRelease(store: StoreWrites, request: ReleaseRequest, dir: string): null {
  change(store, request, dir, (doc) => withReleased(doc, request.member, request.partitions))
  return null
}

export function applyLeave(store: StoreWrites, request: LeaveRequest, dir: string): null {
  change(store, request, dir, (doc) => (request.member in doc.members ? withoutMembers(doc, [request.member]) : doc))
  return null
}

export function applyCommit(store: StoreWrites, request: CommitRequest, dir: string): null {
  const { group, topic, partition } = request
  const { id } = existingTopic(store, topic, dir)
  const lease = getGroup(store, group, id)?.leases[partition]
  if (lease?.owner !== request.member || lease.epoch !== request.epoch) throw fenced(group, topic, partition)
  putPosition(store, group, id, partition, request.next)
  return null
}

/** One turn of a member, and everything in the store that follows from it. */
function turn(
  store: StoreWrites,
  request: JoinRequest | TurnRequest,
  topic: TopicDoc,
  before: GroupDoc,
  mayTake: boolean,
): TurnResult {
  const { group, member } = request
  const done = takeTurn(before, member, { tick: tickNow(store), partitions: topic.partitions, mayTake, isAlive })
  if (done === null) return GONE
  for (let p = done.doc.known; p < topic.partitions; p += 1) {
    putPosition(store, group, topic.id, p, getPartition(store, topic.id, p)?.first ?? 0)
  }
  const known = Math.max(done.doc.known, topic.partitions)
  const doc = { ...done.doc, known }
  putGroup(store, group, topic.id, doc)
  const assigned = done.taken.map((p) => assignment(store, group, topic.id, p, doc.leases[p]?.epoch ?? 0))
  const { surplus, wanting } = done
  const expired = done.expired.length > 0
  return { gone: false, assigned, surplus, held: heldBy(doc, member), wanting, generation: doc.generation, expired }
}

/** A lost position is not replaced here: the group's next commit does it, and until then every owner is told of the loss. */
function assignment(
  store: StoreWrites,
  group: string,
  topicId: number,
  partition: number,
  epoch: number,
): LeasedAssignment {
  const { first, next } = getPartition(store, topicId, partition) ?? EMPTY_PARTITION
  const position = getPosition(store, group, topicId, partition)
  if (position !== null && position >= first && position <= next) return { partition, position, epoch }
  return { partition, position: first, epoch, lost: { position } }
}

function change(
  store: StoreWrites,
  request: ReleaseRequest | LeaveRequest,
  dir: string,
  run: (doc: GroupDoc) => GroupDoc,
): void {
  const topic = existingTopic(store, request.topic, dir)
  const before = getGroup(store, request.group, topic.id)
  if (before === undefined) return
  const after = run(before)
  if (after !== before) putGroup(store, request.group, topic.id, after)
}

/** The store's tick, moved on if it is time. */
export function tickNow(store: StoreWrites): number {
  const before = getTick(store)
  const after = advanceTick(before, Number(process.hrtime.bigint() / 1_000_000n))
  if (after !== before) putTick(store, after)
  return after.count
}

function firstPositions(request: JoinRequest, states: readonly PartitionState[]): number[] {
  const from: FirstPositions = request.from
  if (from === 'latest') return states.map((state) => state.next)
  if (from === 'earliest') return states.map((state) => state.first)
  return states.map((state, partition) => {
    const wanted = Math.max(from.offsets[partition] ?? state.first, state.first)
    checkPosition(request, partition, wanted, state.first, state.next)
    return wanted
  })
}
