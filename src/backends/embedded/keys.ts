/*
 * The store's one ordered key space. A key is a kind byte and big-endian fields, so that LMDB's byte order is the order
 * of names, partitions and offsets. Names cannot contain the byte 0 that ends them.
 */
const FORMAT = 1
const COUNTERS = 2
const TICK = 3
const TOPIC = 4
const PARTITION = 5
const CHUNK = 6
const GROUP = 7
const POSITION = 8
const TRASH = 9
const PLACE = 10
const COMPACTION = 11

const TWO_POW_32 = 0x1_0000_0000

/** Half-open range of keys. */
export interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
}

export const FORMAT_KEY = Buffer.from([FORMAT])
export const COUNTERS_KEY = Buffer.from([COUNTERS])
export const TICK_KEY = Buffer.from([TICK])
export const PLACE_KEY = Buffer.from([PLACE])

export function topicKey(name: string): Buffer {
  return Buffer.concat([Buffer.from([TOPIC]), Buffer.from(name)])
}

export function topicOfKey(key: Uint8Array): string {
  return Buffer.from(key.subarray(1)).toString()
}

export const ALL_TOPICS: KeyRange = { start: Buffer.from([TOPIC]), end: Buffer.from([TOPIC + 1]) }

export function partitionKey(topicId: number, partition: number): Buffer {
  return ofPartition(PARTITION, topicId, partition)
}

/** How far compaction has come in a partition. */
export function compactionKey(topicId: number, partition: number): Buffer {
  return ofPartition(COMPACTION, topicId, partition)
}

function ofPartition(kind: number, topicId: number, partition: number): Buffer {
  const key = Buffer.allocUnsafe(9)
  key[0] = kind
  key.writeUInt32BE(topicId, 1)
  key.writeUInt32BE(partition, 5)
  return key
}

/** Chunks are keyed by the offset of their last record: the first key at or after an offset is the chunk that holds it. */
export function chunkKey(topicId: number, partition: number, lastOffset: number): Buffer {
  const key = Buffer.allocUnsafe(17)
  key[0] = CHUNK
  key.writeUInt32BE(topicId, 1)
  key.writeUInt32BE(partition, 5)
  key.writeUInt32BE(Math.floor(lastOffset / TWO_POW_32), 9)
  key.writeUInt32BE(lastOffset % TWO_POW_32, 13)
  return key
}

export function lastOffsetOfChunkKey(key: Uint8Array): number {
  const bytes = Buffer.from(key)
  return bytes.readUInt32BE(9) * TWO_POW_32 + bytes.readUInt32BE(13)
}

/** All chunks of a partition that hold records at or after `from`. */
export function chunksFrom(topicId: number, partition: number, from: number): KeyRange {
  const end = Buffer.alloc(17, 0xff)
  chunkKey(topicId, partition, 0).copy(end, 0, 0, 9)
  return { start: chunkKey(topicId, partition, from), end }
}

/** A deleted topic whose records are still to be removed. */
export function trashKey(topicId: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = TRASH
  key.writeUInt32BE(topicId, 1)
  return key
}

export function topicIdOfTrash(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1)
}

export const ALL_TRASH: KeyRange = { start: Buffer.from([TRASH]), end: Buffer.from([TRASH + 1]) }

const KINDS = { chunks: CHUNK, partitions: PARTITION, compactions: COMPACTION } as const

/** Everything a topic has of one kind. */
export function allOfTopic(kind: keyof typeof KINDS, topicId: number): KeyRange {
  const range = (id: number) => {
    const key = Buffer.allocUnsafe(5)
    key[0] = KINDS[kind]
    key.writeUInt32BE(id, 1)
    return key
  }
  return { start: range(topicId), end: range(topicId + 1) }
}

export function groupKey(group: string, topicId: number): Buffer {
  return named(GROUP, group, [topicId])
}

export function groupOfKey(key: Uint8Array): { readonly group: string; readonly topicId: number } {
  const bytes = Buffer.from(key)
  return { group: bytes.toString('utf8', 1, bytes.length - 5), topicId: bytes.readUInt32BE(bytes.length - 4) }
}

export const ALL_GROUPS: KeyRange = { start: Buffer.from([GROUP]), end: Buffer.from([GROUP + 1]) }

export function positionKey(group: string, topicId: number, partition: number): Buffer {
  return named(POSITION, group, [topicId, partition])
}

function named(kind: number, name: string, fields: readonly number[]): Buffer {
  const text = Buffer.from(name)
  const key = Buffer.alloc(text.length + 2 + fields.length * 4)
  key[0] = kind
  text.copy(key, 1)
  fields.forEach((field, index) => key.writeUInt32BE(field, text.length + 2 + index * 4))
  return key
}
