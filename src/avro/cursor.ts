import { Buffer, isUtf8 } from 'node:buffer'
import { refuseText } from './refusal.ts'

/** Limits on what one record may make of its bytes. */
export interface DecodeLimits {
  /** Array items and map entries of one value, in all its arrays and maps; one that takes no bytes counts for a hundred. */
  readonly maxItems: number
  /** Records, arrays and maps inside each other. */
  readonly maxDepth: number
}

export const DEFAULT_LIMITS: DecodeLimits = { maxItems: 1_000_000, maxDepth: 500 }

/** Where reading stands. One per codec, reset before each value: reading is synchronous and calls no user code. */
export interface Cursor {
  buf: Buffer
  pos: number
  /** Items and levels still allowed. */
  items: number
  depth: number
}

const SPLIT = 2 ** 28
const EMPTY = Buffer.alloc(0)

export function createCursor(): Cursor {
  return { buf: EMPTY, pos: 0, items: 0, depth: 0 }
}

export function truncated(c: Cursor): never {
  return refuseText(`the bytes end too early, at byte ${c.buf.length}`)
}

/** A zigzag varint as a number; refused beyond the safe integers. Avro 1.12, "Primitive Types". */
export function readLong(c: Cursor): number {
  const { buf } = c
  let { pos } = c
  const first = pos < buf.length ? (buf[pos++] as number) : truncated(c)
  if (first < 0x80) {
    c.pos = pos
    return (first >>> 1) ^ -(first & 1)
  }
  let low = first & 0x7f
  let shift = 7
  while (shift < 28) {
    const byte = pos < buf.length ? (buf[pos++] as number) : truncated(c)
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      c.pos = pos
      return (low >>> 1) ^ -(low & 1)
    }
    shift += 7
  }
  c.pos = pos
  return longTail(c, low)
}

function longTail(c: Cursor, low: number): number {
  const { middle, high } = readTail(c)
  const half = (low >>> 1) + middle * (SPLIT / 2)
  const value = low & 1 ? -half - 1 : half
  if (high !== 0 || !Number.isSafeInteger(value))
    refuseText('a long beyond ±(2^53 - 1); give the schema "drawbridge.js": "bigint" to read it')
  return value
}

/** Bits 28 to 55 and 56 to 63 of a varint of at most ten bytes. */
function readTail(c: Cursor): { middle: number; high: number } {
  let middle = 0
  let high = 0
  for (let index = 0; ; index++) {
    const byte = c.pos < c.buf.length ? (c.buf[c.pos++] as number) : truncated(c)
    if (index < 4) middle |= (byte & 0x7f) << (7 * index)
    else high |= (byte & 0x7f) << (7 * (index - 4))
    if (byte < 0x80) break
    if (index === 5) refuseText('a number of more than ten bytes')
  }
  if (high > 0xff) refuseText('a number of more than 64 bits')
  return { middle, high }
}

export function readBigLong(c: Cursor): bigint {
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = c.pos < c.buf.length ? (c.buf[c.pos++] as number) : truncated(c)
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
  }
  const { middle, high } = readTail(c)
  const zigzag = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)
  return zigzag & 1n ? -(zigzag >> 1n) - 1n : zigzag >> 1n
}

export function readInt(c: Cursor): number {
  const value = readLong(c)
  if (value !== (value | 0)) refuseText(`an int beyond 32 bits: ${value}`)
  return value
}

export function readBoolean(c: Cursor): boolean {
  const byte = c.pos < c.buf.length ? c.buf[c.pos++] : truncated(c)
  if (byte !== 0 && byte !== 1) refuseText(`a boolean has to be the byte 0 or 1, found ${byte}`)
  return byte === 1
}

export function readFloat(c: Cursor): number {
  const start = advance(c, 4)
  return c.buf.readFloatLE(start)
}

export function readDouble(c: Cursor): number {
  const start = advance(c, 8)
  return c.buf.readDoubleLE(start)
}

/** Skips over `length` bytes and says where they began. */
export function advance(c: Cursor, length: number): number {
  const start = c.pos
  if (length > c.buf.length - start) truncated(c)
  c.pos = start + length
  return start
}

export function readLength(c: Cursor): number {
  const length = readLong(c)
  if (length < 0 || length > c.buf.length - c.pos)
    refuseText(`a length of ${length} with ${c.buf.length - c.pos} bytes left`)
  return length
}

export function readString(c: Cursor): string {
  const length = readLength(c)
  if (length === 0) return ''
  const start = c.pos
  c.pos = start + length
  const text = c.buf.toString(undefined, start, c.pos)
  // A replacement character may be real text; only then the bytes have to be looked at. ASCII text answers at once.
  if (text.includes('\ufffd') && !isUtf8(c.buf.subarray(start, c.pos))) refuseText('text that is not valid UTF-8')
  return text
}

/** A copy of its own memory: it pins no larger block. */
export function readFixed(c: Cursor, length: number): Buffer {
  const start = advance(c, length)
  const bytes = Buffer.allocUnsafeSlow(length)
  c.buf.copy(bytes, 0, start, c.pos)
  return bytes
}

/**
 * The count of the next block of an array or map, 0 at its end. Refused when the bytes left or the items left cannot
 * hold it, so that no count makes us allocate.
 */
export function readBlockCount(c: Cursor, minItemBytes: number, itemCost = 1): number {
  let count = readLong(c)
  if (count === 0) return 0
  if (count < 0) {
    count = -count
    readLength(c)
  }
  if (count * minItemBytes > c.buf.length - c.pos)
    refuseText(`${count} items announced with ${c.buf.length - c.pos} bytes left`)
  if (count * itemCost > c.items)
    refuseText(
      `${count} items announced, more than the ${Math.floor(c.items / itemCost)} left of the limit of items per record`,
    )
  c.items -= count * itemCost
  return count
}

export function enter(c: Cursor): void {
  if (--c.depth < 0) refuseText('nested deeper than the limit of levels')
}
