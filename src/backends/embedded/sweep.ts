import { type StoreReads, type StoreWrites, type TopicDoc, getPartition, putPartition } from './documents.ts'
import { now } from './apply-log.ts'
import { ALL_TOPICS, ALL_TRASH, allOfTopic, topicIdOfTrash, trashKey } from './keys.ts'
import type { SweepRequest } from './requests.ts'
import { trimPartition } from './retention.ts'

/** Entries removed in one step: bounds how long LMDB's lock is held. */
const MAX_STEP = 1_000
/** Topics looked at in one step; more than a store has in practice. */
const MAX_TOPICS = 100_000

/** Removes what retention by age and deleted topics have left, a bounded step at a time. */
export function applySweep(store: StoreWrites, request: SweepRequest): { more: boolean } {
  const [trash] = store.list(ALL_TRASH, 1)
  if (trash !== undefined) {
    const id = topicIdOfTrash(trash.key)
    const left = (['chunks', 'partitions', 'compactions'] as const).flatMap((kind) =>
      store.keys(allOfTopic(kind, id), MAX_STEP),
    )
    for (const key of left) store.remove(key)
    if (left.length < MAX_STEP) store.remove(trashKey(id))
    return { more: true }
  }
  const time = now(request.skewMs)
  for (const { value } of store.list(ALL_TOPICS, MAX_TOPICS)) {
    const topic = JSON.parse(Buffer.from(value).toString()) as TopicDoc
    if (topic.retentionMs !== null) trimTopic(store, topic, time - topic.retentionMs)
  }
  return { more: false }
}

function trimTopic(store: StoreWrites, topic: TopicDoc, oldest: number): void {
  for (let partition = 0; partition < topic.partitions; partition += 1) {
    const state = getPartition(store, topic.id, partition)
    if (state === undefined) continue
    const trimmed = trimPartition(store, topic.id, partition, state, { maxBytes: null, oldest })
    if (trimmed.first !== state.first) putPartition(store, topic.id, partition, trimmed)
  }
}

/** Whether a sweep would find work: a look without LMDB's lock, so that a store without such topics is never written for it. */
export function needsSweep(
  store: StoreReads & { range(range: typeof ALL_TOPICS): Iterable<{ readonly value: Uint8Array }> },
): boolean {
  for (const _ of store.range(ALL_TRASH)) return true
  for (const { value } of store.range(ALL_TOPICS)) {
    if ((JSON.parse(Buffer.from(value).toString()) as TopicDoc).retentionMs !== null) return true
  }
  return false
}
