import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { keysOf } from './chunk-keys.ts'
import { type CompactionState, type PartitionState, type TopicDoc, getCompaction, getPartition } from './documents.ts'
import { chunksFrom, lastOffsetOfChunkKey } from './keys.ts'
import { type ReadStore, type Snapshot, allTopics } from './reading.ts'
import type { CompactionTask, ThinRequest } from './requests.ts'
import type { WriterThread } from './writer-thread.ts'

/*
 * Compaction of `compact` topics: the newest record of each key stays for ever, older ones go. A pass reads what is new
 * and notes the newest offset of each key, then walks the log from its beginning and drops what one of these has
 * replaced. Offsets and order stay; the log has gaps. The last record of a partition always stays, so that there is
 * something at the end to read up to.
 *
 * A tombstone (null value) is the newest of its key and stays for TOMBSTONE_MS after the pass that removed the last older
 * record of its key, so that a reader that had read such a record meets the tombstone if it comes to the end in that time.
 */

/** How long a tombstone stays, as Kafka's delete.retention.ms (24 h by default). */
export const TOMBSTONE_MS = 86_400_000
/** A pass is due when what is new has as many bytes as what is clean (Kafka's min.cleanable.dirty.ratio 0.5), and at least these. */
const MIN_DIRTY_BYTES = 1_048_576
/** Keys held in memory by a pass, about 100 bytes each; what is new beyond them waits for the next pass. */
const MAX_KEYS = 100_000
/** Bytes read in one turn of the event loop, and rewritten in one transaction. One record may be larger. */
export const STEP_BYTES = 262_144
/** A claim without a step for so long is void: its process is stopped. */
export const CLAIM_MS = 30_000

export function isCompactionDue(partition: PartitionState, state: CompactionState, time: number): boolean {
  // Retention may have taken all that was clean.
  const clean = state.cleanedTo > partition.first ? state.cleanedBytes : 0
  return partition.bytes - clean >= Math.max(MIN_DIRTY_BYTES, clean) || tombstonesDue(state, time)
}

export function tombstonesDue({ tombstones, settledAt }: CompactionState, time: number): boolean {
  return tombstones > 0 && time >= settledAt + TOMBSTONE_MS
}

export interface CompactionParts {
  readonly read: ReadStore
  readonly send: WriterThread['send']
  /** Of the system's clock (ms), as requests carry it. */
  skewMs(): number
  /** True ends a pass after the step under way. */
  isClosed(): boolean
  /** Keys a pass may hold; MAX_KEYS. */
  readonly maxKeys?: number
}

/** Compacts every partition where it is due and no other process is at it. */
export async function compactStore(parts: CompactionParts): Promise<void> {
  const time = Date.now() + parts.skewMs()
  for (const { id, partition } of parts.read((snapshot) => duePartitions(snapshot, time))) {
    for (let again = true; again && !parts.isClosed(); ) again = await compactPartition(parts, id, partition)
  }
}

function duePartitions(snapshot: Snapshot, time: number): readonly { id: number; partition: number }[] {
  const isDue = ({ id }: TopicDoc, partition: number): boolean => {
    const state = getPartition(snapshot, id, partition)
    return state !== undefined && isCompactionDue(state, getCompaction(snapshot, id, partition), time)
  }
  return allTopics(snapshot)
    .filter(([, topic]) => topic.compact)
    .flatMap(([, topic]) => Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })))
    .filter(({ topic, partition }) => isDue(topic, partition))
    .map(({ topic, partition }) => ({ id: topic.id, partition }))
}

/** One pass. True where it was complete and another may be due at once. */
async function compactPartition(parts: CompactionParts, topicId: number, partition: number): Promise<boolean> {
  const { send, skewMs } = parts
  const place = { topicId, partition }
  const task = await send({ kind: 'beginCompaction', ...place, skewMs: skewMs() })
  if (task === null) return false
  const newest = await newestOffsets(parts, place, task)
  const dropped = newest && (await dropReplaced(parts, place, task, newest))
  const done = newest && dropped && { task, to: newest.to, bytesAdded: newest.bytes, ...dropped }
  await send({ kind: 'endCompaction', ...place, done: done ?? null, skewMs: skewMs() })
  return done !== undefined
}

interface Partition {
  readonly topicId: number
  readonly partition: number
}

interface Newest {
  readonly offsets: ReadonlyMap<string, number>
  /** Where it ended: at the end of the log, or where the keys became too many. */
  readonly to: number
  readonly bytes: number
}

async function newestOffsets(
  parts: CompactionParts,
  place: Partition,
  task: CompactionTask,
): Promise<Newest | undefined> {
  const { maxKeys = MAX_KEYS } = parts
  const offsets = new Map<string, number>()
  let bytes = 0
  for await (const { chunk, from } of chunksOf(parts, place, task.from, task.end)) {
    if (offsets.size >= maxKeys) return { offsets, to: from, bytes }
    for (const { offset, key } of keysOf(chunk)) if (key !== null) offsets.set(keyText(key), offset)
    bytes += chunk.length
  }
  return parts.isClosed() ? undefined : { offsets, to: task.end, bytes }
}

async function dropReplaced(
  parts: CompactionParts,
  place: Partition,
  task: CompactionTask,
  newest: Newest,
): Promise<{ bytesRemoved: number; tombstones: number } | undefined> {
  let bytesRemoved = 0
  let tombstones = 0
  let step: { lastOffset: number; drop: number[] }[] = []
  let stepBytes = 0
  const thin = async (): Promise<void> => {
    const request: ThinRequest = { kind: 'thin', ...place, chunks: step, bytes: stepBytes }
    step = []
    stepBytes = 0
    bytesRemoved += (await parts.send(request)).bytesRemoved
  }
  for await (const { chunk, lastOffset } of chunksOf(parts, place, task.first, newest.to)) {
    const drop: number[] = []
    for (const { offset, key, isTombstone } of keysOf(chunk)) {
      if (key === null) continue
      const replaced = (newest.offsets.get(keyText(key)) ?? -1) > offset
      if (replaced || (isTombstone && offset < task.tombstonesBelow && offset < task.end - 1)) drop.push(offset)
      else if (isTombstone) tombstones += 1
    }
    if (drop.length === 0) continue
    if (step.length > 0 && stepBytes + chunk.length > STEP_BYTES) await thin()
    step.push({ lastOffset, drop })
    stepBytes += chunk.length
  }
  if (parts.isClosed()) return undefined
  if (step.length > 0) await thin()
  return { bytesRemoved, tombstones }
}

interface ReadChunk {
  readonly chunk: Uint8Array
  /** After the chunk before. */
  readonly from: number
  /** Its key's. */
  readonly lastOffset: number
}

/** All chunks below `end`, copied a bounded step at a time, each step in its own turn of the event loop; ends early when closed. */
async function* chunksOf(
  parts: CompactionParts,
  { topicId, partition }: Partition,
  first: number,
  end: number,
): AsyncGenerator<ReadChunk, void, undefined> {
  for (let from = first; from < end && !parts.isClosed(); ) {
    const found = parts.read((snapshot) => stepOf(snapshot, topicId, partition, from, end))
    if (found.length === 0) return
    for (const { chunk, last } of found) {
      yield { chunk, from, lastOffset: last }
      from = last + 1
    }
    await setImmediate()
  }
}

function stepOf(snapshot: Snapshot, topicId: number, partition: number, from: number, end: number) {
  const found: { readonly chunk: Uint8Array; readonly last: number }[] = []
  let bytes = 0
  for (const { key, value } of snapshot.range(chunksFrom(topicId, partition, from))) {
    const last = lastOffsetOfChunkKey(key)
    if (last >= end) break
    found.push({ chunk: value, last })
    bytes += value.length
    if (bytes >= STEP_BYTES) break
  }
  return found
}

/** Short keys as they are, others as their SHA-256, which nobody can make collide. */
function keyText(key: Uint8Array): string {
  if (key.length < 32) return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
  return hash('sha256', key, 'base64')
}
