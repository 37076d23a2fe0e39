import avro from 'avsc'
import { murmur2Partition } from '../../../src/backends/murmur2.ts'
import { PARTITIONS, reading, readings } from '../readings.ts'

const type = avro.Type.forSchema(readings.value as avro.Schema)
const FRAME_BYTES = 5
/** As our producer by default, with room for Kafka's limit of a batch. */
const BATCH_RECORDS = 1_000
const BATCH_BYTES = 900_000

export interface RawRecord {
  readonly key: Buffer
  readonly value: Buffer
  readonly partition: number
  readonly timestamp: number
}

/** The same bytes as ours, by avsc. */
export function encodeReading(n: number, bytes: number, sentAt?: number): RawRecord {
  const value = reading(n, bytes, sentAt)
  const key = Buffer.from(value.sensor)
  const body = type.toBuffer(value)
  const framed = Buffer.allocUnsafe(FRAME_BYTES + body.length)
  framed.writeUInt8(0, 0)
  framed.writeUInt32BE(1, 1)
  body.copy(framed, FRAME_BYTES)
  return { key, value: framed, partition: murmur2Partition(key, PARTITIONS), timestamp: value.sentAt }
}

export function decodeReading(value: Buffer): { readonly value: number; readonly sentAt: number } {
  return type.fromBuffer(value.subarray(FRAME_BYTES)) as { value: number; sentAt: number }
}

/** The readings in calls as raw clients send them best: a batch of every partition together. */
export function* batchesOf(records: number, bytes: number): Generator<readonly RawRecord[]> {
  let waiting = Array.from({ length: PARTITIONS }, () => ({ records: [] as RawRecord[], bytes: 0 }))
  for (let n = 0; n < records; n++) {
    const record = encodeReading(n, bytes)
    const batch = waiting[record.partition]
    if (batch === undefined) continue
    batch.records.push(record)
    batch.bytes += bytes
    if (batch.records.length < BATCH_RECORDS && batch.bytes < BATCH_BYTES) continue
    yield waiting.flatMap((each) => each.records)
    waiting = waiting.map(() => ({ records: [], bytes: 0 }))
  }
  yield waiting.flatMap((each) => each.records)
}

/** One by one, so many under way at once. */
export async function sendSingles(
  records: number,
  bytes: number,
  send: (record: RawRecord) => Promise<unknown>,
): Promise<void> {
  const underWay = 100
  for (let first = 0; first < records; first += underWay) {
    const some = Array.from({ length: Math.min(underWay, records - first) }, (_, i) => encodeReading(first + i, bytes))
    await Promise.all(some.map(send))
  }
}
