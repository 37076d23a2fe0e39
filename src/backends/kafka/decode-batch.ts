import { crc32c } from '@node-rs/crc32'
import type { PullLimits } from '../../core/backend.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import { type StoredRecord, NO_HEADERS } from '../../core/record.ts'
import { copyOut } from '../slab.ts'
import { decompress } from './compression.ts'

const BATCH_HEADER_BYTES = 61
const LENGTH_END = 12
const CRC_AT = 17
const CRC_END = 21
const UINT32 = 2 ** 32
const CODEC_MASK = 7
const APPEND_TIME = 8
const TRANSACTIONAL = 16
const CONTROL = 32
const ABORT = 0
/** Header of a record that is a whole batch, with what kept it from being unpacked. */
export const UNREADABLE = 'drawbridge.unreadable'

export interface AbortedTransaction {
  readonly producer: bigint
  readonly first: number
}

/** The raw batches of one answer, decoded record by record as they are asked for. */
export interface Chunk {
  /** Appends records of offsets in [from, to) until a limit is reached or nothing is left; says the bytes taken. */
  take(into: StoredRecord[], from: number, to: number, room: PullLimits): number
  readonly empty: boolean
  /** The offset after all that the chunk holds, markers and gaps included. */
  readonly next: number
  readonly bytes: number
  /** Bytes of the batches that nothing was taken of yet. */
  readonly unopened: number
  /** Copies what is left, so that the answer it came with is no longer kept in memory. */
  detach(): void
}

interface Cursor {
  readonly buffer: Buffer
  at: number
}

interface Open extends Cursor {
  left: number
  readonly base: number
  readonly baseTimestamp: number
  /** Why `buffer` is still compressed: the batch is given as one record, for what reads it to quarantine. */
  readonly sealed: string | undefined
  /** null: the batch carries its producer's times only. */
  readonly appendedAt: number | null
}

export interface ChunkSource {
  readonly bytes: Buffer
  /** The offset asked for; batches begin at or before it. */
  readonly from: number
  readonly aborted: readonly AbortedTransaction[]
  /** Topic and partition, for messages. */
  readonly place: string
}

/**
 * ERR_STORE_FAILED where the first batch is not what was appended; one behind it comes again as the first. Records of aborted transactions are left out (KIP-98),
 * so are markers. kafkajs's decoder gives headers as an object (order and repetition are lost), the broker's time in
 * place of the producer's, and nothing at all of a batch that compaction has emptied.
 */
export function createChunk({ bytes: answered, from, aborted, place }: ChunkSource): Chunk {
  const waiting = aborted.toSorted((a, b) => a.first - b.first)
  const aborting = new Set<bigint>()
  const whole = wholeBatches(answered, from, place)
  let bytes = answered.subarray(0, whole.end)
  let at = 0
  let open: Open | undefined

  return {
    get empty() {
      return open === undefined && at >= bytes.length
    },
    next: whole.next,
    bytes: whole.end,
    get unopened() {
      return bytes.length - at
    },
    take,
    detach() {
      // What was unpacked is no part of the answer.
      if (open?.buffer.buffer === bytes.buffer)
        open = { ...open, buffer: Buffer.from(open.buffer.subarray(open.at)), at: 0 }
      bytes = Buffer.from(bytes.subarray(at))
      at = 0
    },
  }

  function take(into: StoredRecord[], first: number, to: number, room: PullLimits): number {
    let taken = 0
    while (into.length < room.maxRecords && (taken < room.maxBytes || into.length === 0)) {
      open ??= openNext()
      if (open === undefined) break
      if (open.left === 0) {
        open = undefined
        continue
      }
      const started = open.at
      const record = open.sealed === undefined ? readRecord(open, first, to, place) : wholeBatch(open, first, to)
      if (record !== undefined && into.length > 0 && taken + open.at - started > room.maxBytes) {
        open.at = started
        break
      }
      open.left--
      if (record === undefined) continue
      into.push(record)
      taken += open.at - started
    }
    return taken
  }

  /** The next batch with something for a reader. */
  function openNext(): Open | undefined {
    while (at < bytes.length) {
      const start = at
      at += LENGTH_END + bytes.readInt32BE(start + 8)
      const attributes = bytes.readInt16BE(start + 21)
      const base = int64(bytes, start)
      const last = base + bytes.readInt32BE(start + 23)
      const producer = bytes.readBigInt64BE(start + 43)
      while (waiting[0] !== undefined && waiting[0].first <= last) {
        aborting.add(waiting[0].producer)
        waiting.shift()
      }
      const body = bytes.subarray(start + BATCH_HEADER_BYTES, at)
      if ((attributes & CONTROL) !== 0) {
        if (isAbort(body)) aborting.delete(producer)
        continue
      }
      if ((attributes & TRANSACTIONAL) !== 0 && aborting.has(producer)) continue
      const codec = attributes & CODEC_MASK
      const left = bytes.readInt32BE(start + 57)
      if (left <= 0) continue
      const unpacked = codec === 0 ? body : decompress(codec, body, `${place}, offset ${base}`)
      const sealed = typeof unpacked === 'string' ? unpacked : undefined
      return {
        buffer: typeof unpacked === 'string' ? body : unpacked,
        sealed,
        at: 0,
        left: sealed === undefined ? left : 1,
        base,
        baseTimestamp: int64(bytes, start + 27),
        appendedAt: (attributes & APPEND_TIME) === 0 ? null : int64(bytes, start + 35),
      }
    }
    return undefined
  }
}

/** The last batch of an answer may be cut off; it comes again. */
function wholeBatches(bytes: Buffer, from: number, place: string): { end: number; next: number } {
  let end = 0
  let next = from
  while (end + BATCH_HEADER_BYTES <= bytes.length) {
    const length = LENGTH_END + bytes.readInt32BE(end + 8)
    if (end + length > bytes.length) break
    if (length < BATCH_HEADER_BYTES) {
      if (end > 0) break
      throw damaged(place, from, `it claims ${length} bytes`)
    }
    const magic = bytes.readInt8(end + 16)
    if (magic !== 2) {
      throw new DrawbridgeError(
        'ERR_UNSUPPORTED',
        `${place}: records in message format ${magic} cannot be read: let the broker rewrite the topic in format 2 (Kafka 3.x: log.message.format.version)`,
        { details: { magic } },
      )
    }
    if (crc32c(bytes.subarray(end + CRC_END, end + length)) !== bytes.readUInt32BE(end + CRC_AT)) {
      if (end > 0) break
      throw damaged(place, int64(bytes, end), 'its checksum is not that of its bytes')
    }
    next = Math.max(next, int64(bytes, end) + bytes.readInt32BE(end + 23) + 1)
    end += length
  }
  return { end, next }
}

/** Key of a marker: version, type (both int16); it is the first record's. */
function isAbort(body: Buffer): boolean {
  const cursor = { buffer: body, at: 0 }
  varint(cursor)
  cursor.at++
  varint(cursor)
  varint(cursor)
  const length = varint(cursor)
  return length >= 4 && body.readInt16BE(cursor.at + 2) === ABORT
}

/** undefined for an offset outside [first, to); its bytes are passed over. */
function readRecord(open: Open, first: number, to: number, place: string): StoredRecord | undefined {
  try {
    const length = varint(open)
    const end = open.at + length
    if (length < 0 || end > open.buffer.length) throw new RangeError('a record reaches beyond its batch')
    open.at++
    const timestamp = open.baseTimestamp + varint(open)
    const offset = open.base + varint(open)
    if (offset < first || offset >= to) {
      open.at = end
      return undefined
    }
    if (!Number.isSafeInteger(offset)) throw new RangeError('an offset above 2^53')
    const key = field(open)
    const value = field(open)
    const count = varint(open)
    const headers = count <= 0 ? NO_HEADERS : readHeaders(open, count)
    if (open.at !== end) throw new RangeError('a record does not end where it says')
    return { offset, key, value, headers, timestamp, appendedAt: open.appendedAt ?? timestamp }
  } catch (error) {
    if (isDrawbridgeError(error)) throw error
    throw damaged(place, open.base, errorText(error), error)
  }
}

/** What cannot be unpacked, as it is, in the place of its first record. */
function wholeBatch(open: Open, first: number, to: number): StoredRecord | undefined {
  const { base: offset, buffer, baseTimestamp: timestamp, appendedAt, sealed = '' } = open
  open.at = buffer.length
  if (offset < first || offset >= to) return undefined
  const headers = [[UNREADABLE, Buffer.from(sealed)]] as const
  return { offset, key: null, value: Buffer.from(buffer), headers, timestamp, appendedAt: appendedAt ?? timestamp }
}

export function damaged(place: string, offset: number, why: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_STORE_FAILED',
    `${place}, offset ${offset}: a record batch is damaged (${why}): check the broker's disks, then move the group or the read past it`,
    { cause, details: { offset } },
  )
}

function readHeaders(body: Cursor, count: number): (readonly [string, Buffer | null])[] {
  const headers: (readonly [string, Buffer | null])[] = []
  for (let index = 0; index < count; index++) {
    const length = Math.max(0, varint(body))
    const name = body.buffer.toString('utf8', body.at, body.at + length)
    body.at += length
    headers.push([name, field(body)])
  }
  return headers
}

/** Never a slice of the whole answer, which would keep all of it in memory. */
function field(body: Cursor): Buffer | null {
  const length = varint(body)
  if (length < 0) return null
  const start = body.at
  body.at += length
  if (body.at > body.buffer.length) throw new RangeError('a field reaches beyond its record')
  return copyOut(body.buffer, start, body.at)
}

function varint(cursor: Cursor): number {
  const { buffer } = cursor
  const start = cursor.at
  let byte = buffer[cursor.at++] ?? 0
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  let value = byte & 0x7f
  let factor = 0x80
  do {
    if (cursor.at >= buffer.length) throw new RangeError('a number reaches beyond its batch')
    byte = buffer[cursor.at++] ?? 0
    value += (byte & 0x7f) * factor
    factor *= 0x80
  } while (byte >= 0x80)
  if (value >= Number.MAX_SAFE_INTEGER) return exactVarint(buffer.subarray(start, cursor.at))
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/** Where the zigzag form is beyond 2^53, the number itself may still be exact. */
function exactVarint(bytes: Buffer): number {
  let value = 0n
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(index * 7)
  return Number(value % 2n === 0n ? value / 2n : -(value + 1n) / 2n)
}

function int64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * UINT32 + buffer.readUInt32BE(at + 4)
}
