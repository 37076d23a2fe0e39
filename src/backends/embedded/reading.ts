import type { PullLimits } from '../../core/backend.ts'
import type { StoredRecord } from '../../core/record.ts'
import { chunkAppendedAt, visitChunk } from './chunk.ts'
import { type StoreReads, type TopicDoc, getPartition } from './documents.ts'
import { type KeyRange, ALL_TOPICS, chunksFrom, topicOfKey } from './keys.ts'
import type { Lmdb } from './lmdb.ts'

/** One look at the store: a snapshot that must not be kept beyond the callback it is given to. */
export interface Snapshot extends StoreReads {
  /** Entries in key order. Values are copies. */
  range(range: KeyRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>
}

export type ReadStore = <T>(look: (snapshot: Snapshot) => T) => T

/**
 * Looks at the newest commit. Synchronous on purpose: a read transaction that lived across an await would keep every
 * page written meanwhile from being reused (measured: 20 MB grew to 1.7 GB in 6 s).
 */
export function createReadStore(db: Lmdb): ReadStore {
  const snapshot: Snapshot = { get: (key) => db.get(key), range: (range) => db.getRange(range) }
  return (look) => {
    db.resetReadTxn()
    try {
      return look(snapshot)
    } finally {
      db.resetReadTxn()
    }
  }
}

export interface ReadBatch {
  readonly records: readonly StoredRecord[]
  /** Where the next read goes on. It passes gaps, so it may grow without a record. */
  readonly next: number
  /** No record from `next` on is below the bound `to`, and none will be. */
  readonly ended: boolean
}

/** Records of [from, to) in offset order, at most what the limits allow, but one record always. */
export function readBatch(
  snapshot: Snapshot,
  topicId: number,
  partition: number,
  from: number,
  to: number,
  limits: PullLimits,
): ReadBatch {
  const records: StoredRecord[] = []
  let bytesLeft = limits.maxBytes
  let next = from
  let ended = from >= to
  if (ended) return { records, next, ended }
  let exhausted = true
  for (const { value } of snapshot.range(chunksFrom(topicId, partition, from))) {
    const more = visitChunk(value, (offset, bytes, read) => {
      if (offset < next) return true
      ended = offset >= to
      if (ended || (records.length > 0 && (records.length >= limits.maxRecords || bytes > bytesLeft))) return false
      records.push(read())
      bytesLeft -= bytes
      next = offset + 1
      return next < to
    })
    exhausted = more && records.length < limits.maxRecords && bytesLeft > 0
    if (!exhausted) break
  }
  // Retention may have taken everything up to the end of the log: nothing stands below the bound, and nothing will.
  if (exhausted) ended ||= (getPartition(snapshot, topicId, partition)?.next ?? 0) >= to
  return { records, next, ended: ended || next >= to }
}

/** First offset of the partition whose record was appended at or after `timestamp` (ms); the end if there is none. */
export function offsetAt(snapshot: Snapshot, topicId: number, partition: number, timestamp: number): number {
  const state = getPartition(snapshot, topicId, partition)
  if (state === undefined || state.next === 0 || state.lastAppendedAt < timestamp) return state?.next ?? 0
  let low = state.first
  let high = state.next
  // All records of a chunk share their time, and the chunk found at an offset may begin after it where records are gone.
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const chunk = firstChunk(snapshot, topicId, partition, middle)
    if (chunk === undefined || chunkAppendedAt(chunk) >= timestamp) high = middle
    else low = Math.max(middle, lastOffset(chunk)) + 1
  }
  return firstRecord(snapshot, topicId, partition, low) ?? state.next
}

export function allTopics(snapshot: Snapshot): readonly (readonly [string, TopicDoc])[] {
  return Array.from(snapshot.range(ALL_TOPICS), ({ key, value }) => [
    topicOfKey(key),
    JSON.parse(Buffer.from(value).toString()) as TopicDoc,
  ])
}

/** Offset of the first record at or after `from`. Compaction may have left the chunk that spans it without one. */
function firstRecord(snapshot: Snapshot, topicId: number, partition: number, from: number): number | undefined {
  let found: number | undefined
  for (const { value } of snapshot.range(chunksFrom(topicId, partition, from))) {
    visitChunk(value, (offset) => {
      if (offset >= from) found = offset
      return found === undefined
    })
    if (found !== undefined) break
  }
  return found
}

function firstChunk(snapshot: Snapshot, topicId: number, partition: number, from: number): Uint8Array | undefined {
  for (const { value } of snapshot.range(chunksFrom(topicId, partition, from))) return value
  return undefined
}

function lastOffset(chunk: Uint8Array): number {
  let last = -1
  visitChunk(chunk, (offset) => {
    last = offset
    return true
  })
  return last
}
