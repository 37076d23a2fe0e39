import { groupUnknown } from '../refusals.ts'
import type { GroupDescription } from '../../core/backend.ts'
import { EMPTY_PARTITION, getGroup, getPartition, getPosition, getTick } from './documents.ts'
import type { TopicDoc } from './documents.ts'
import { ALL_GROUPS, groupOfKey } from './keys.ts'
import { heldBy, liveMembers } from './leases.ts'
import { isProcessAlive } from './process-life.ts'
import { type Snapshot, allTopics } from './reading.ts'

/** All groups with the topic each has positions on. */
export function listAllGroups(snapshot: Snapshot): { group: string; topic: string }[] {
  const names = new Map(allTopics(snapshot).map(([name, doc]) => [doc.id, name]))
  return Array.from(snapshot.range(ALL_GROUPS), ({ key }) => groupOfKey(key)).flatMap(({ group, topicId }) => {
    const topic = names.get(topicId)
    return topic === undefined ? [] : [{ group, topic }]
  })
}

/** ERR_GROUP_UNKNOWN where the group never was on the topic. */
export function describeOneGroup(snapshot: Snapshot, group: string, name: string, topic: TopicDoc): GroupDescription {
  const doc = getGroup(snapshot, group, topic.id)
  if (doc === undefined) throw groupUnknown(group, name)
  const live = liveMembers(doc, getTick(snapshot).count, (member) => isProcessAlive(member.pid, member.started))
  const positions = Array.from({ length: topic.partitions }, (_, partition) => {
    const { first, next: end } = getPartition(snapshot, topic.id, partition) ?? EMPTY_PARTITION
    const next = getPosition(snapshot, group, topic.id, partition)
    return { next, end, lag: Math.max(0, end - Math.max(next ?? first, first)) }
  })
  return { group, topic: name, members: live.map((id) => ({ id, partitions: heldBy(doc, id) })), positions }
}
