import { chunkAppendedAt } from './chunk.ts'
import type { PartitionState, StoreWrites } from './documents.ts'
import { chunksFrom, lastOffsetOfChunkKey } from './keys.ts'

export interface RetentionBounds {
  /** Bytes a partition may keep; null: any number. */
  readonly maxBytes: number | null
  /** Chunks appended before this time (ms) may go; null: none for its age. */
  readonly oldest: number | null
}

/** Chunks removed in one step: bounds how long LMDB's lock is held. */
const MAX_STEP = 256

/** Removes the oldest chunks as far as the bounds say, but never the newest one for its size. Returns the new state. */
export function trimPartition(
  store: StoreWrites,
  topicId: number,
  partition: number,
  state: PartitionState,
  { maxBytes, oldest }: RetentionBounds,
): PartitionState {
  const tooMany = (bytes: number) => maxBytes !== null && bytes > maxBytes
  if (oldest === null && !tooMany(state.bytes)) return state
  let { first, bytes } = state
  for (const { key, value } of store.list(chunksFrom(topicId, partition, first), MAX_STEP)) {
    const last = lastOffsetOfChunkKey(key)
    const tooOld = oldest !== null && chunkAppendedAt(value) < oldest
    if (!tooOld && !(tooMany(bytes) && last + 1 < state.next)) break
    store.remove(key)
    first = last + 1
    bytes -= value.length
  }
  return { ...state, first, bytes }
}
