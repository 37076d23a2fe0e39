import { DrawbridgeError } from '../../core/errors.ts'
import { chunkKey } from './keys.ts'
import { stampChunk } from './chunk.ts'
import { type StoreWrites, type TopicDoc } from './documents.ts'
import { getCounters, getPartition, getTopic, putCounters, putPartition, putTopic } from './documents.ts'
import { partitionUnknown, topicUnknown } from './errors.ts'
import type { AppendRequest, CreateTopicRequest } from './requests.ts'

export function applyCreateTopic(store: StoreWrites, request: CreateTopicRequest): null {
  const { name, partitions, compact } = request
  const found = getTopic(store, name)
  if (found !== undefined) {
    if (found.partitions === partitions && found.compact === compact) return null
    throw new DrawbridgeError(
      'ERR_TOPIC_DIFFERS',
      `topic ${JSON.stringify(name)} exists with ${shape(found)}, not ${shape({ partitions, compact })}: declare it as it is, or choose another name`,
      { details: { topic: name, found: { partitions: found.partitions, compact: found.compact } } },
    )
  }
  const counters = getCounters(store)
  const id = counters.nextTopicId
  putCounters(store, { ...counters, nextTopicId: id + 1 })
  putTopic(store, name, { id, incarnation: request.incarnation, partitions, compact, createdAt: now(request.skewMs) })
  for (let p = 0; p < partitions; p += 1) putPartition(store, id, p, { next: 0, first: 0, lastAppendedAt: 0 })
  return null
}

export function applyAppend(store: StoreWrites, request: AppendRequest, dir: string): { firstOffset: number } {
  const { topic, partition, buffer, chunks } = request
  const { id, partitions } = existingTopic(store, topic, dir)
  const state = getPartition(store, id, partition)
  if (state === undefined) throw partitionUnknown(topic, partition, partitions)
  // A clock that steps back holds the time still: offsets and appendedAt must sort alike, or a search by time goes wrong.
  const appendedAt = Math.max(now(request.skewMs), state.lastAppendedAt)
  let next = state.next
  for (const { at, bytes, records } of chunks) {
    const chunk = new Uint8Array(buffer, at, bytes)
    stampChunk(chunk, next, appendedAt)
    next += records
    store.put(chunkKey(id, partition, next - 1), chunk)
  }
  if (next > state.next) putPartition(store, id, partition, { ...state, next, lastAppendedAt: appendedAt })
  return { firstOffset: state.next }
}

export function existingTopic(store: StoreWrites, topic: string, dir: string): TopicDoc {
  const doc = getTopic(store, topic)
  if (doc === undefined) throw topicUnknown(dir, topic)
  return doc
}

function shape(topic: { readonly partitions: number; readonly compact: boolean }): string {
  return `${topic.partitions} partitions, ${topic.compact ? 'compact' : 'not compact'}`
}

function now(skewMs: number): number {
  return Date.now() + skewMs
}
