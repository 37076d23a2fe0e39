import { specText } from '../../core/topic-spec.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import { existingTopic, now } from './apply-log.ts'
import { EMPTY_PARTITION, type StoreWrites, type TopicDoc } from './documents.ts'
import { getCounters, getTopic, putCounters, putPartition, putTopic } from './documents.ts'
import { checkIdle, forgetGroup } from './apply-reset.ts'
import { ALL_GROUPS, groupOfKey, topicKey, trashKey } from './keys.ts'
import type { CreateTopicRequest, DeleteTopicRequest, WidenTopicRequest } from './requests.ts'

/** Groups looked at when a topic is deleted; more than a store has in practice. */
const MAX_GROUPS = 1_000_000

export function applyCreateTopic(store: StoreWrites, request: CreateTopicRequest): null {
  const { name, partitions, compact, retentionMs, retentionBytes, incarnation } = request
  const found = getTopic(store, name)
  if (found !== undefined) {
    if (specText(found) === specText(request)) return null
    throw new DrawbridgeError(
      'ERR_TOPIC_DIFFERS',
      `topic ${JSON.stringify(name)} exists with ${specText(found)}, not ${specText(request)}: declare it as it is, or choose another name`,
      { details: { topic: name, found: specText(found) } },
    )
  }
  const counters = getCounters(store)
  const id = counters.nextTopicId
  putCounters(store, { ...counters, nextTopicId: id + 1 })
  const createdAt = now(request.skewMs)
  putTopic(store, name, { id, incarnation, partitions, compact, retentionMs, retentionBytes, createdAt })
  for (let p = 0; p < partitions; p += 1) putPartition(store, id, p, EMPTY_PARTITION)
  return null
}

export function applyWidenTopic(store: StoreWrites, request: WidenTopicRequest, dir: string): null {
  const { topic, partitions } = request
  const doc = existingTopic(store, topic, dir)
  if (partitions < doc.partitions) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${JSON.stringify(topic)} has ${doc.partitions} partitions; it can be widened, never narrowed to ${partitions}`,
      { details: { topic, partitions: doc.partitions } },
    )
  }
  for (let p = doc.partitions; p < partitions; p += 1) putPartition(store, doc.id, p, EMPTY_PARTITION)
  putTopic(store, topic, { ...doc, partitions })
  return null
}

/** The topic is gone at once; its records go by and by (sweep.ts), because one transaction for all could be a long one. */
export function applyDeleteTopic(store: StoreWrites, request: DeleteTopicRequest, dir: string): null {
  const { topic } = request
  const doc: TopicDoc = existingTopic(store, topic, dir)
  const groups = store.keys(ALL_GROUPS, MAX_GROUPS).map(groupOfKey)
  const mine = groups.filter(({ topicId }) => topicId === doc.id).map(({ group }) => group)
  for (const group of mine) checkIdle(store, group, topic, doc.id, 'delete the topic')
  for (const group of mine) forgetGroup(store, group, doc)
  store.remove(topicKey(topic))
  store.put(trashKey(doc.id), Buffer.from('{}'))
  return null
}
