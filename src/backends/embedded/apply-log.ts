import { partitionUnknown } from '../refusals.ts'
import { chunkKey } from './keys.ts'
import { stampChunk } from './chunk.ts'
import { type StoreWrites, type TopicDoc } from './documents.ts'
import { getPartition, getTopic, putPartition } from './documents.ts'
import { topicUnknown } from './errors.ts'
import type { AppendRequest, Results } from './requests.ts'
import { trimPartition } from './retention.ts'

export function applyAppend(store: StoreWrites, request: AppendRequest, dir: string): Results['append'] {
  const { topic, partition, buffer, chunks } = request
  const { id, partitions, retentionMs, retentionBytes } = existingTopic(store, topic, dir)
  const state = getPartition(store, id, partition)
  if (state === undefined) throw partitionUnknown(topic, partition, partitions)
  // A clock that steps back holds the time still: offsets and appendedAt must sort alike, or a search by time goes wrong.
  const appendedAt = Math.max(now(request.skewMs), state.lastAppendedAt)
  let { next, bytes: total } = state
  for (const { at, bytes, records } of chunks) {
    const chunk = new Uint8Array(buffer, at, bytes)
    stampChunk(chunk, next, appendedAt)
    next += records
    total += bytes
    store.put(chunkKey(id, partition, next - 1), chunk)
  }
  if (next > state.next) {
    const grown = { ...state, next, lastAppendedAt: appendedAt, bytes: total }
    const bounds = { maxBytes: retentionBytes, oldest: retentionMs === null ? null : appendedAt - retentionMs }
    putPartition(store, id, partition, trimPartition(store, id, partition, grown, bounds))
  }
  return { firstOffset: state.next, topicId: id }
}

export function existingTopic(store: StoreWrites, topic: string, dir: string): TopicDoc {
  const doc = getTopic(store, topic)
  if (doc === undefined) throw topicUnknown(dir, topic)
  return doc
}

export function now(skewMs: number): number {
  return Date.now() + skewMs
}
