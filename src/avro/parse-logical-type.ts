import {
  bigintLong,
  date,
  decimal,
  type LogicalType,
  maxPrecision,
  timestampMicros,
  timestampMillis,
  uuid,
} from './logical-types.ts'

type Json = Readonly<Record<string, unknown>>

const MAX_PRECISION = 1000

/**
 * The logical type of a schema, null for none; whatever `problem` answers for one that does not fit its type. Unknown
 * ones are ignored (Avro 1.12, "Logical Types").
 */
export function parseLogicalType(
  json: Json,
  type: string,
  size: number | null,
  problem: (text: string) => null,
): LogicalType | null {
  if (json['drawbridge.js'] !== undefined) {
    if (type === 'long' && json['drawbridge.js'] === 'bigint' && json.logicalType === undefined) return bigintLong
    return problem('"drawbridge.js" takes "bigint" on a long without a logical type')
  }
  const known: Readonly<Record<string, readonly [type: string, logical: LogicalType]>> = {
    date: ['int', date],
    'timestamp-millis': ['long', timestampMillis],
    'timestamp-micros': ['long', timestampMicros],
    uuid: ['string', uuid],
  }
  const name = json.logicalType
  if (name === 'decimal') return decimalType(json, type, size, problem)
  if (typeof name !== 'string' || !Object.hasOwn(known, name)) return null
  const entry = known[name]
  // uuid on fixed(16) is Avro 1.12, too; its value stays a Buffer.
  if (entry === undefined || (name === 'uuid' && type === 'fixed' && size === 16)) return null
  return entry[0] === type ? entry[1] : problem(`logical type ${name} belongs on ${entry[0]}, not on ${type}`)
}

function decimalType(
  json: Json,
  type: string,
  size: number | null,
  problem: (text: string) => null,
): LogicalType | null {
  const { precision, scale = 0 } = json
  if (type !== 'bytes' && type !== 'fixed')
    return problem(`logical type decimal belongs on bytes or fixed, not on ${type}`)
  if (typeof precision !== 'number' || !Number.isInteger(precision) || precision < 1 || precision > MAX_PRECISION)
    return problem(`decimal needs "precision", a whole number from 1 to ${MAX_PRECISION}`)
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0 || scale > precision)
    return problem(`decimal takes "scale" from 0 to its precision ${precision}, found ${JSON.stringify(scale)}`)
  if (size !== null && precision > maxPrecision(size))
    return problem(
      `a fixed of ${size} bytes holds ${maxPrecision(size)} digits, not a decimal of precision ${precision}; give it more bytes`,
    )
  return decimal(precision, scale, size)
}
