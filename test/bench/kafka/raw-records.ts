import { murmur2Partition } from '../../../src/backends/murmur2.ts'
import { encodeReading, type RawReading } from '../raw-reading.ts'
import { PARTITIONS } from '../readings.ts'

/** As our producer by default, with room for Kafka's limit of a batch. */
const BATCH_RECORDS = 1_000
const BATCH_BYTES = 900_000

export interface RawRecord extends RawReading {
  readonly partition: number
}

/** As ours, with the partition our producer chooses. */
export function encodeRecord(n: number, bytes: number, sentAt?: number): RawRecord {
  const record = encodeReading(n, bytes, sentAt)
  return { ...record, partition: murmur2Partition(record.key, PARTITIONS) }
}

/** The readings in calls as raw clients send them best: a batch of every partition together. */
export function* batchesOf(records: number, bytes: number): Generator<readonly RawRecord[]> {
  let waiting = Array.from({ length: PARTITIONS }, () => ({ records: [] as RawRecord[], bytes: 0 }))
  for (let n = 0; n < records; n++) {
    const record = encodeRecord(n, bytes)
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
    const some = Array.from({ length: Math.min(underWay, records - first) }, (_, i) => encodeRecord(first + i, bytes))
    await Promise.all(some.map(send))
  }
}
