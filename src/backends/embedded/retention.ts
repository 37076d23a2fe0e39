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
  for (let step = 0; step < MAX_STEP; step += 1) {
    // One by one: most appends find nothing to remove, and a value is up to a megabyte to copy.
    const [chunk] = store.list(chunksFrom(topicId, partition, first), 1)
    if (chunk === undefined) break
    const { key, value } = chunk
    const last = lastOffsetOfChunkKey(key)
    const tooOld = oldest !== null && chunkAppendedAt(value) < oldest
    if (!tooOld && !(tooMany(bytes) && last + 1 < state.next)) break
    store.remove(key)
    first = last + 1
    bytes -= value.length
  }
  return { ...state, first, bytes }
}
