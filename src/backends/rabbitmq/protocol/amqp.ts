import { type Cursor, malformed } from './wire.ts'

/**
 * A value of AMQP 1.0's type system (OASIS, part 1: types). Integers beyond 2^53 are bigints; what JavaScript has no
 * type for says its kind. Binaries are views of the bytes read.
 */
export type AmqpValue = null | boolean | number | bigint | string | Buffer | AmqpSpecial

export type AmqpSpecial =
  | { readonly kind: 'symbol' | 'uuid' | 'char'; readonly text: string }
  | { readonly kind: 'timestamp'; readonly ms: number }
  | { readonly kind: 'decimal'; readonly hex: string }
  | { readonly kind: 'list' | 'array'; readonly items: readonly AmqpValue[] }
  | { readonly kind: 'map'; readonly pairs: readonly (readonly [AmqpValue, AmqpValue])[] }
  | { readonly kind: 'described'; readonly descriptor: AmqpValue; readonly value: AmqpValue }

const MAX_DEPTH = 32
/** Items that take no bytes, as a null in an array; any other item is bounded by the bytes there are. */
const MAX_EMPTY_ITEMS = 65_536
const DESCRIBED = 0x00

/** Reads one value. Throws on what is malformed or cut short. */
export function readAmqp(cursor: Cursor, depth = 0): AmqpValue {
  return readAs(cursor, cursor.u8(), depth)
}

function readAs(cursor: Cursor, code: number, depth: number): AmqpValue {
  if (depth > MAX_DEPTH) throw malformed(`values nested deeper than ${MAX_DEPTH}`)
  switch (code) {
    case DESCRIBED:
      return { kind: 'described', descriptor: readAmqp(cursor, depth + 1), value: readAmqp(cursor, depth + 1) }
    case 0x40:
      return null
    case 0x41:
      return true
    case 0x42:
      return false
    case 0x43:
    case 0x44:
      return 0
    case 0x45:
      return { kind: 'list', items: [] }
    case 0x50:
    case 0x52:
    case 0x53:
      return cursor.u8()
    case 0x51:
    case 0x54:
    case 0x55:
      return (cursor.u8() << 24) >> 24
    case 0x56:
      return cursor.u8() !== 0
    case 0x60:
      return cursor.u16()
    case 0x61:
      return (cursor.u16() << 16) >> 16
    case 0x70:
      return cursor.u32()
    case 0x71:
      return cursor.u32() | 0
    case 0x72:
      return cursor.take(4).readFloatBE()
    case 0x73:
      return { kind: 'char', text: charOf(cursor.u32()) }
    case 0x74:
      return { kind: 'decimal', hex: cursor.take(4).toString('hex') }
    case 0x80:
      return plain(cursor.big())
    case 0x81:
      return plain(BigInt.asIntN(64, cursor.big()))
    case 0x82:
      return cursor.take(8).readDoubleBE()
    case 0x83:
      return { kind: 'timestamp', ms: Number(BigInt.asIntN(64, cursor.big())) }
    case 0x84:
      return { kind: 'decimal', hex: cursor.take(8).toString('hex') }
    case 0x94:
      return { kind: 'decimal', hex: cursor.take(16).toString('hex') }
    case 0x98:
      return { kind: 'uuid', text: uuidOf(cursor.take(16)) }
    case 0xa0:
      return cursor.take(cursor.u8())
    case 0xb0:
      return cursor.take(cursor.u32())
    case 0xa1:
      return cursor.take(cursor.u8()).toString('utf8')
    case 0xb1:
      return cursor.take(cursor.u32()).toString('utf8')
    case 0xa3:
      return { kind: 'symbol', text: cursor.take(cursor.u8()).toString('latin1') }
    case 0xb3:
      return { kind: 'symbol', text: cursor.take(cursor.u32()).toString('latin1') }
    case 0xc0:
      return { kind: 'list', items: readItems(cursor, cursor.u8(), 1, depth) }
    case 0xd0:
      return { kind: 'list', items: readItems(cursor, cursor.u32(), 4, depth) }
    case 0xc1:
      return { kind: 'map', pairs: pairsOf(readItems(cursor, cursor.u8(), 1, depth)) }
    case 0xd1:
      return { kind: 'map', pairs: pairsOf(readItems(cursor, cursor.u32(), 4, depth)) }
    case 0xe0:
      return { kind: 'array', items: readArray(cursor, cursor.u8(), 1, depth) }
    case 0xf0:
      return { kind: 'array', items: readArray(cursor, cursor.u32(), 4, depth) }
    default:
      throw malformed(`a value of the unknown type 0x${code.toString(16)}`)
  }
}

/** `bytes` counts the count and the items. */
function readItems(cursor: Cursor, bytes: number, width: 1 | 4, depth: number): AmqpValue[] {
  const end = endOf(cursor, bytes)
  const count = width === 1 ? cursor.u8() : cursor.u32()
  // Each item takes a byte at least.
  if (count > end - cursor.at) throw malformed(`${count} items in ${end - cursor.at} bytes`)
  const items: AmqpValue[] = []
  for (let left = count; left > 0; left--) items.push(readAmqp(cursor, depth + 1))
  return closed(cursor, end, items)
}

function readArray(cursor: Cursor, bytes: number, width: 1 | 4, depth: number): AmqpValue[] {
  const end = endOf(cursor, bytes)
  const count = width === 1 ? cursor.u8() : cursor.u32()
  if (count === 0 && cursor.at === end) return []
  let code = cursor.u8()
  let descriptor: AmqpValue | undefined
  if (code === DESCRIBED) {
    descriptor = readAmqp(cursor, depth + 1)
    code = cursor.u8()
  }
  // A descriptor of a descriptor would never end.
  if (code === DESCRIBED) throw malformed('an array of doubly described values')
  if (count > Math.max(end - cursor.at, MAX_EMPTY_ITEMS)) throw malformed(`an array of ${count} items`)
  const items: AmqpValue[] = []
  for (let left = count; left > 0; left--) {
    const value = readAs(cursor, code, depth + 1)
    items.push(descriptor === undefined ? value : { kind: 'described', descriptor, value })
  }
  return closed(cursor, end, items)
}

function endOf(cursor: Cursor, bytes: number): number {
  if (bytes > cursor.left()) throw malformed(`a compound of ${bytes} bytes, ${cursor.left()} left`)
  return cursor.at + bytes
}

function closed(cursor: Cursor, end: number, items: AmqpValue[]): AmqpValue[] {
  if (cursor.at !== end) throw malformed('a compound whose size is not that of its items')
  return items
}

function pairsOf(items: readonly AmqpValue[]): (readonly [AmqpValue, AmqpValue])[] {
  if (items.length % 2 !== 0) throw malformed('a map with a key that has no value')
  const pairs: (readonly [AmqpValue, AmqpValue])[] = []
  for (let at = 0; at < items.length; at += 2) pairs.push([items[at] ?? null, items[at + 1] ?? null])
  return pairs
}

function plain(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function charOf(code: number): string {
  return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** As people would write it: numbers in decimal, times in ISO 8601, compounds as JSON. */
export function amqpText(value: AmqpValue): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (typeof value !== 'object') return String(value)
  switch (value.kind) {
    case 'symbol':
    case 'uuid':
    case 'char':
      return value.text
    case 'timestamp':
      return isoTime(value.ms)
    case 'decimal':
      return `0x${value.hex}`
    default:
      return JSON.stringify(toJson(value))
  }
}

/** Plain JSON: binaries as `{"base64": …}`, integers beyond 2^53 as strings, maps as objects. */
function toJson(value: AmqpValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') }
  switch (value.kind) {
    case 'list':
    case 'array':
      return value.items.map(toJson)
    case 'map':
      return Object.fromEntries(value.pairs.map(([key, each]) => [amqpText(key), toJson(each)]))
    case 'described':
      return { descriptor: toJson(value.descriptor), value: toJson(value.value) }
    default:
      return amqpText(value)
  }
}

function isoTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
