import { DrawbridgeError } from '../../core/errors.ts'
import { decodeGroup, encodeGroup } from './group-code.ts'
import type { GroupDoc, Tick } from './leases.ts'
import {
  COUNTERS_KEY,
  FORMAT_KEY,
  type KeyRange,
  PLACE_KEY,
  TICK_KEY,
  compactionKey,
  groupKey,
  partitionKey,
  positionKey,
  topicKey,
} from './keys.ts'
import { type Counters, decodeCounters, encodeCounters } from './news.ts'

/** The layout this code reads and writes. Another number means another version of Drawbridge wrote the store. */
export const FORMAT = 2

/** What reading needs of LMDB; inside a transaction it sees the transaction's own writes. */
export interface StoreReads {
  get(key: Uint8Array): Uint8Array | undefined
}

/** What a transaction needs of LMDB. */
export interface StoreWrites extends StoreReads {
  put(key: Uint8Array, value: Uint8Array): void
  remove(key: Uint8Array): void
  /** At most `limit` entries in key order, copied, so that they may be removed while walked. */
  list(range: KeyRange, limit: number): readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]
  /** As `list`, without the values. */
  keys(range: KeyRange, limit: number): readonly Uint8Array[]
}

export interface TopicDoc {
  readonly id: number
  readonly incarnation: string
  readonly partitions: number
  readonly compact: boolean
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
  readonly createdAt: number
}

export interface PartitionState {
  /** Offset of the next record. */
  readonly next: number
  /** First offset retained. */
  readonly first: number
  readonly lastAppendedAt: number
  /** Of all chunks retained. */
  readonly bytes: number
}

export const EMPTY_PARTITION: PartitionState = { next: 0, first: 0, lastAppendedAt: 0, bytes: 0 }

/** How far compaction has come in a partition of a compact topic. */
export interface CompactionState {
  /** Below this offset no key stands twice. */
  readonly cleanedTo: number
  /** Of the chunks below `cleanedTo`, when they were cleaned. */
  readonly cleanedBytes: number
  /** Tombstones that were left below `cleanedTo`. */
  readonly tombstones: number
  /** Tombstones below `settledTo` have had no older record beside them since `settledAt` (ms). */
  readonly settledTo: number
  readonly settledAt: number
  /** The process at work; `at` is CLOCK_MONOTONIC in ms of its last step. */
  readonly claim: { readonly pid: number; readonly started: string; readonly at: number } | null
}

export const NOT_COMPACTED: CompactionState = {
  cleanedTo: 0,
  cleanedBytes: 0,
  tombstones: 0,
  settledTo: 0,
  settledAt: 0,
  claim: null,
}

export function getTopic(store: StoreReads, name: string): TopicDoc | undefined {
  return getJson<TopicDoc>(store, topicKey(name))
}

export function putTopic(store: StoreWrites, name: string, doc: TopicDoc): void {
  putJson(store, topicKey(name), doc)
}

export function getPartition(store: StoreReads, topicId: number, partition: number): PartitionState | undefined {
  const found = getNumbers(store, partitionKey(topicId, partition))
  return found && { next: found[0] ?? 0, first: found[1] ?? 0, lastAppendedAt: found[2] ?? 0, bytes: found[3] ?? 0 }
}

export function putPartition(store: StoreWrites, topicId: number, partition: number, state: PartitionState): void {
  putNumbers(store, partitionKey(topicId, partition), [state.next, state.first, state.lastAppendedAt, state.bytes])
}

export function getCompaction(store: StoreReads, topicId: number, partition: number): CompactionState {
  return getJson<CompactionState>(store, compactionKey(topicId, partition)) ?? NOT_COMPACTED
}

export function putCompaction(store: StoreWrites, topicId: number, partition: number, state: CompactionState): void {
  putJson(store, compactionKey(topicId, partition), state)
}

export function getCounters(store: StoreReads): Counters {
  return decodeCounters(getNumbers(store, COUNTERS_KEY))
}

export function putCounters(store: StoreWrites, counters: Counters): void {
  putNumbers(store, COUNTERS_KEY, encodeCounters(counters))
}

export function getTick(store: StoreReads): Tick {
  const [count = 0, at = 0] = getNumbers(store, TICK_KEY) ?? []
  return { count, at }
}

export function putTick(store: StoreWrites, tick: Tick): void {
  putNumbers(store, TICK_KEY, [tick.count, tick.at])
}

export function getGroup(store: StoreReads, group: string, topicId: number): GroupDoc | undefined {
  const bytes = store.get(groupKey(group, topicId))
  return bytes && decodeGroup(bytes)
}

export function putGroup(store: StoreWrites, group: string, topicId: number, doc: GroupDoc): void {
  store.put(groupKey(group, topicId), encodeGroup(doc))
}

export function getPosition(store: StoreReads, group: string, topicId: number, partition: number): number | null {
  return getNumbers(store, positionKey(group, topicId, partition))?.[0] ?? null
}

export function putPosition(store: StoreWrites, group: string, topicId: number, partition: number, next: number): void {
  putNumbers(store, positionKey(group, topicId, partition), [next])
}

/** Where the processes run that use the store (place.ts). */
export function getPlace(store: StoreReads): string | undefined {
  const bytes = store.get(PLACE_KEY)
  return bytes && Buffer.from(bytes).toString()
}

export function putPlace(store: StoreWrites, place: string): void {
  store.put(PLACE_KEY, Buffer.from(place))
}

/** Marks an empty store with FORMAT; ERR_STORE_FAILED where the store has another one. */
export function checkFormat(store: StoreWrites, dir: string): void {
  const found = getJson<{ format?: unknown }>(store, FORMAT_KEY)?.format
  if (found === undefined) return putJson(store, FORMAT_KEY, { format: FORMAT })
  if (found !== FORMAT) {
    throw new DrawbridgeError(
      'ERR_STORE_FAILED',
      `the store in ${dir} has format ${JSON.stringify(found)}, this version of Drawbridge reads format ${FORMAT}: use the version that wrote it, or another directory`,
      { details: { dir, format: found } },
    )
  }
}

function getJson<T>(store: StoreReads, key: Uint8Array): T | undefined {
  const bytes = store.get(key)
  return bytes && (JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as T)
}

function putJson(store: StoreWrites, key: Uint8Array, value: object): void {
  store.put(key, Buffer.from(JSON.stringify(value)))
}

function getNumbers(store: StoreReads, key: Uint8Array): number[] | undefined {
  const bytes = store.get(key)
  if (bytes === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 8 }, (_, index) => view.getFloat64(index * 8, true))
}

function putNumbers(store: StoreWrites, key: Uint8Array, numbers: readonly number[]): void {
  const view = new DataView(new ArrayBuffer(numbers.length * 8))
  numbers.forEach((number, index) => view.setFloat64(index * 8, number, true))
  store.put(key, new Uint8Array(view.buffer))
}
