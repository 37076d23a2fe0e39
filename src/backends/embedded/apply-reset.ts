import { groupUnknown } from '../refusals.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import { isAlive, tickNow } from './apply-group.ts'
import { existingTopic } from './apply-log.ts'
import { getGroup, putGroup, putPosition, type StoreWrites, type TopicDoc } from './documents.ts'
import { groupKey, positionKey } from './keys.ts'
import { liveMembers, newGroup, withoutMembers } from './leases.ts'
import { checkPosition, partitionStates, refusedPosition } from './positions.ts'
import type { DeleteGroupRequest, ResetRequest } from './requests.ts'

export function applyReset(store: StoreWrites, request: ResetRequest, dir: string): null {
  const { group, positions } = request
  const topic = existingTopic(store, request.topic, dir)
  const doc = getGroup(store, group, topic.id) ?? newGroup(topic.incarnation, topic.partitions)
  checkIdle(store, group, request.topic, topic.id, 'reset it')
  if (positions.length !== topic.partitions) {
    throw refusedPosition(
      request,
      `${positions.length} positions for ${topic.partitions} partitions; give one for each`,
    )
  }
  partitionStates(store, topic).forEach((state, p) => checkPosition(request, p, positions[p], state.first, state.next))
  positions.forEach((next, partition) => putPosition(store, group, topic.id, partition, next))
  // Whoever was here last is stopped or silent; without its leases it is fenced should it wake up.
  const empty = withoutMembers(doc, Object.keys(doc.members))
  putGroup(store, group, topic.id, { ...empty, known: topic.partitions })
  return null
}

export function applyDeleteGroup(store: StoreWrites, request: DeleteGroupRequest, dir: string): null {
  const { group, topic } = request
  const doc = existingTopic(store, topic, dir)
  if (getGroup(store, group, doc.id) === undefined) throw groupUnknown(group, topic)
  checkIdle(store, group, topic, doc.id, 'delete it')
  forgetGroup(store, group, doc)
  return null
}

/** ERR_GROUP_ACTIVE while the group has live members on the topic. */
export function checkIdle(store: StoreWrites, group: string, topic: string, topicId: number, then: string): void {
  const doc = getGroup(store, group, topicId)
  const live = doc === undefined ? [] : liveMembers(doc, tickNow(store), isAlive)
  if (live.length === 0) return
  throw new DrawbridgeError(
    'ERR_GROUP_ACTIVE',
    `group ${JSON.stringify(group)} has ${live.length} live member(s) on topic ${JSON.stringify(topic)}: stop them, then ${then}`,
    { details: { group, topic, members: live } },
  )
}

/** Removes the group's positions and its witness. */
export function forgetGroup(store: StoreWrites, group: string, topic: TopicDoc): void {
  for (let p = 0; p < topic.partitions; p += 1) store.remove(positionKey(group, topic.id, p))
  store.remove(groupKey(group, topic.id))
}
