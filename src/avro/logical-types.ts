import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { refuse } from './refusal.ts'

/**
 * How the raw Avro value of a logical type becomes a JavaScript value and back. `raw` is a number for int and long, a
 * bigint for long where `bigLong` says so, a Buffer for bytes and fixed. Both ways throw a refusal for values that
 * have no counterpart. Source: Avro 1.12, "Logical Types".
 */
export interface LogicalType {
  readonly name: 'date' | 'timestamp-millis' | 'timestamp-micros' | 'decimal' | 'uuid' | 'bigint'
  readonly text: string
  readonly jsKind: 'string' | 'Date' | 'bigint'
  readonly bigLong: boolean
  fromRaw(raw: unknown): unknown
  toRaw(value: unknown): unknown
}

const DAY_MS = 86_400_000
const MAX_DATE_MS = 8.64e15
const DATE = /^\d{4}-\d{2}-\d{2}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/
const MIN_DAY = Date.parse('0000-01-01T00:00:00Z') / DAY_MS
const MAX_DAY = Date.parse('9999-12-31T00:00:00Z') / DAY_MS

export const date: LogicalType = {
  name: 'date',
  text: 'date "YYYY-MM-DD"',
  jsKind: 'string',
  bigLong: false,
  fromRaw(raw) {
    const days = raw as number
    if (days < MIN_DAY || days > MAX_DAY) refuse('a date between the years 0 and 9999', days)
    return new Date(days * DAY_MS).toISOString().slice(0, 10)
  },
  toRaw(value) {
    const ms = typeof value === 'string' && DATE.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN
    // Date.parse takes February 30 for March 1 or 2 in some engines: the way back tells.
    if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== value) refuse(this.text, value)
    return ms / DAY_MS
  },
}

export const timestampMillis: LogicalType = {
  name: 'timestamp-millis',
  text: 'timestamp-millis (a valid Date)',
  jsKind: 'Date',
  bigLong: false,
  fromRaw(raw) {
    const ms = raw as number
    if (Math.abs(ms) > MAX_DATE_MS) refuse('milliseconds within the range of Date', ms)
    return new Date(ms)
  },
  toRaw(value) {
    const ms = types.isDate(value) ? value.getTime() : Number.NaN
    return Number.isNaN(ms) ? refuse(this.text, value) : ms
  },
}

function bigLong(name: 'timestamp-micros' | 'bigint', text: string): LogicalType {
  return {
    name,
    text,
    jsKind: 'bigint',
    bigLong: true,
    fromRaw: (raw) => raw,
    toRaw: (value) =>
      typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : refuse(`${text} in 64 bits`, value),
  }
}

export const timestampMicros = bigLong('timestamp-micros', 'timestamp-micros (bigint)')
export const bigintLong = bigLong('bigint', 'long (bigint)')

export const uuid: LogicalType = {
  name: 'uuid',
  text: 'uuid',
  jsKind: 'string',
  bigLong: false,
  // A reader keeps the text: other languages write uuids without checking, and the value is a string anyway.
  fromRaw: (raw) => raw,
  toRaw: (value) =>
    typeof value === 'string' && UUID.test(value)
      ? value
      : refuse('uuid such as 123e4567-e89b-12d3-a456-426614174000', value),
}

export interface DecimalType extends LogicalType {
  readonly precision: number
  readonly scale: number
}

/** Exact decimals as text with `scale` fraction digits. `fixedSize` is the byte count of a fixed, null for bytes. */
export function decimal(precision: number, scale: number, fixedSize: number | null): DecimalType {
  const text = `decimal(${precision},${scale})`
  const limit = 10n ** BigInt(precision)
  const maxBytes = Math.max(fixedSize ?? 0, 64, precision)
  return {
    name: 'decimal',
    text,
    jsKind: 'string',
    bigLong: false,
    precision,
    scale,
    fromRaw(raw) {
      const bytes = raw as Buffer
      // Turning a long number into decimal text takes quadratic time, so its length is bounded first.
      if (bytes.length > maxBytes) refuse(`${text} in at most ${maxBytes} bytes`, bytes)
      const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
      if (unscaled >= limit || unscaled <= -limit) refuse(text, bytes)
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
      const whole = digits.slice(0, digits.length - scale)
      return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`
    },
    toRaw(value) {
      const parts = typeof value === 'string' && value.length <= precision + 1024 ? DECIMAL.exec(value) : null
      const fraction = parts?.[3] ?? ''
      if (parts === null || fraction.length > scale)
        return refuse(`${text} as text with at most ${scale} fraction digits`, value)
      const magnitude = BigInt(parts[2] + fraction.padEnd(scale, '0'))
      if (magnitude >= limit) return refuse(text, value)
      return twosComplement(parts[1] === '-' ? -magnitude : magnitude, fixedSize)
    },
  }
}

/** Big-endian, in the fewest bytes unless a size is given. A size that holds `precision` digits holds every value. */
function twosComplement(value: bigint, size: number | null): Buffer {
  const magnitude = value < 0n ? -value - 1n : value
  const length = size ?? Math.floor(magnitude.toString(16).length / 2) + 1
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0')
  const bytes = Buffer.from(hex, 'hex')
  // An even count of hex digits whose first is below 8 needs no sign byte.
  return size === null &&
    bytes.length > 1 &&
    (bytes[0] === 0 || bytes[0] === 255) &&
    ((bytes[0] ^ (bytes[1] ?? 0)) & 0x80) === 0
    ? bytes.subarray(1)
    : bytes
}

/** The most decimal digits a two's complement number of so many bytes can always hold (Avro 1.12, Decimal). */
export function maxPrecision(size: number): number {
  return size === 0 ? 0 : (2n ** BigInt(8 * size - 1) - 1n).toString().length - 1
}
