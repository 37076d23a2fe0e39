import avro from 'avsc'
import { reading, readings } from './readings.ts'

const type = avro.Type.forSchema(readings.value as avro.Schema)
const FRAME_BYTES = 5

export interface RawReading {
  readonly key: Buffer
  readonly value: Buffer
  readonly timestamp: number
}

/** The same bytes as ours, by avsc. */
export function encodeReading(n: number, bytes: number, sentAt?: number): RawReading {
  const value = reading(n, bytes, sentAt)
  const body = type.toBuffer(value)
  const framed = Buffer.allocUnsafe(FRAME_BYTES + body.length)
  framed.writeUInt8(0, 0)
  framed.writeUInt32BE(1, 1)
  body.copy(framed, FRAME_BYTES)
  return { key: Buffer.from(value.sensor), value: framed, timestamp: value.sentAt }
}

export function decodeReading(value: Buffer): { readonly value: number; readonly sentAt: number } {
  return type.fromBuffer(value.subarray(FRAME_BYTES)) as { value: number; sentAt: number }
}
