// Requests about records: versions before flexible encoding, served by Kafka 2.8 to 4.x.
import { createWriter } from './bytes.ts'
import type { Call } from './call.ts'

export interface ProducerId {
  readonly error: number
  readonly id: bigint
  readonly epoch: number
}

export function initProducerId(): Call<ProducerId> {
  const writer = createWriter()
  writer.string(null)
  writer.int32(60_000)
  return {
    key: 22,
    version: 1,
    name: 'InitProducerId',
    body: writer.done(),
    read(reader) {
      reader.int32()
      return { error: reader.int16(), id: reader.bigint64(), epoch: reader.int16() }
    },
  }
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface Produced {
  readonly topic: string
  readonly partition: number
  readonly error: number
  readonly baseOffset: number
}

/** Waits for all in-sync replicas, for at most `timeoutMs`. One batch a partition. */
export function produce(batches: readonly Batch[], timeoutMs: number): Call<readonly Produced[]> {
  const size = batches.reduce((sum, { bytes, topic }) => sum + bytes.length + topic.length * 3 + 32, 64)
  const writer = createWriter(size)
  writer.string(null)
  writer.int16(-1)
  writer.int32(timeoutMs)
  writer.array([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, parts]) => {
    writer.string(topic)
    writer.array(parts, ({ partition, bytes }) => {
      writer.int32(partition)
      writer.bytes(bytes)
    })
  })
  return {
    key: 0,
    version: 7,
    name: 'Produce',
    body: writer.done(),
    read(reader) {
      const topics = reader.array(() => {
        const topic = reader.string()
        return reader.array(() => {
          const partition = reader.int32()
          const error = reader.int16()
          const baseOffset = reader.int64()
          reader.int64()
          reader.int64()
          return { topic, partition, error, baseOffset }
        })
      })
      return topics.flat()
    },
  }
}

export interface FetchPart {
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

export interface Fetched {
  readonly partition: number
  readonly error: number
  /** End of what committed transactions and plain producers wrote (last stable offset). */
  readonly end: number
  readonly first: number
  readonly aborted: readonly { readonly producer: bigint; readonly first: number }[]
  /** A slice of the whole answer. */
  readonly records: Buffer
}

/** Committed records only. Waits up to `waitMs` for the first byte. */
export function fetchRecords(
  topic: string,
  parts: readonly FetchPart[],
  { waitMs, maxBytes }: { waitMs: number; maxBytes: number },
): Call<{ readonly error: number; readonly parts: readonly Fetched[] }> {
  const writer = createWriter()
  writer.int32(-1)
  writer.int32(waitMs)
  writer.int32(1)
  writer.int32(maxBytes)
  writer.int8(1)
  writer.int32(0)
  writer.int32(-1)
  writer.array([topic], (name) => {
    writer.string(name)
    writer.array(parts, (part) => {
      writer.int32(part.partition)
      writer.int32(-1)
      writer.int64(part.offset)
      writer.int64(-1)
      writer.int32(part.maxBytes)
    })
  })
  writer.array([], () => undefined)
  writer.string('')
  return {
    key: 1,
    version: 11,
    name: 'Fetch',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const error = reader.int16()
      reader.int32()
      const topics = reader.array(() => {
        reader.string()
        return reader.array(() => {
          const partition = reader.int32()
          const failed = reader.int16()
          reader.int64()
          const end = reader.int64()
          const first = reader.int64()
          const aborted = reader.array(() => ({ producer: reader.bigint64(), first: reader.int64() }))
          reader.int32()
          return { partition, error: failed, end, first, aborted, records: reader.bytes() ?? Buffer.alloc(0) }
        })
      })
      return { error, parts: topics.flat() }
    },
  }
}

export const LATEST = -1
export const EARLIEST = -2

export interface ListedOffset {
  readonly partition: number
  readonly error: number
  /** -1 where no record is as young as the time asked for. */
  readonly offset: number
}

/** By time, or EARLIEST or LATEST, of what committed transactions and plain producers wrote. */
export function listOffsets(
  topic: string,
  partitions: readonly number[],
  timestamp: number,
): Call<readonly ListedOffset[]> {
  const writer = createWriter()
  writer.int32(-1)
  writer.int8(1)
  writer.array([topic], (name) => {
    writer.string(name)
    writer.array(partitions, (partition) => {
      writer.int32(partition)
      writer.int64(timestamp)
    })
  })
  return {
    key: 2,
    version: 2,
    name: 'ListOffsets',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const topics = reader.array(() => {
        reader.string()
        return reader.array(() => {
          const partition = reader.int32()
          const error = reader.int16()
          reader.int64()
          return { partition, error, offset: reader.int64() }
        })
      })
      return topics.flat()
    },
  }
}
