import { crc32, gunzipSync } from 'node:zlib'
import { createCursor, malformed } from './wire.ts'

/** An osiris chunk (rabbitmq/osiris, src/osiris_log.erl, "Chunk format"): what RabbitMQ wrote, and delivers, at once. */
export interface Chunk {
  /** Offset of its first record. */
  readonly firstOffset: number
  readonly records: number
  /** When the broker wrote it, ms since the epoch. The same for all its records. */
  readonly timestamp: number
  readonly entries: number
  readonly data: Buffer
}

/** Magic 5, version 0. */
const MAGIC_VERSION = 0x50
const USER = 0
const SUB_BATCH = 0x80
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** What a sub-entry batch may grow to. */
const MAX_BATCH_BYTES = 256 * 1_048_576

/** Throws on anything that is not a whole chunk of user records with the right checksum. */
export function parseChunk(bytes: Buffer): Chunk {
  const cursor = createCursor(bytes)
  const magic = cursor.u8()
  if (magic !== MAGIC_VERSION) throw malformed(`a chunk that begins with ${magic}`)
  const kind = cursor.u8()
  if (kind !== USER) throw malformed(`a chunk of kind ${kind} that was not asked for`)
  const [entries, records, timestamp] = [cursor.u16(), cursor.u32(), cursor.i64()]
  cursor.take(8)
  const [firstOffset, crc, length] = [cursor.u64(), cursor.u32(), cursor.u32()]
  cursor.take(8)
  const data = cursor.take(length)
  if (crc32(data) !== crc) throw malformed(`the chunk at offset ${firstOffset} has a wrong checksum`)
  return { firstOffset, records, timestamp, entries, data }
}

/** Gives a chunk's messages one by one, in offset order. */
export interface ChunkReader {
  readonly chunk: Chunk
  /** Offset of the message `next` gives next. */
  offset(): number
  /** A view of the next message; undefined at the end. Throws on what is malformed. */
  next(): Buffer | undefined
}

export function createChunkReader(chunk: Chunk): ChunkReader {
  const cursor = createCursor(chunk.data)
  let entriesLeft = chunk.entries
  let offset = chunk.firstOffset
  let batch: { readonly cursor: ReturnType<typeof createCursor>; left: number } | undefined

  function next(): Buffer | undefined {
    for (;;) {
      if (batch !== undefined && batch.left > 0) {
        batch.left--
        offset++
        return batch.cursor.take(batch.cursor.u32())
      }
      batch = undefined
      if (entriesLeft === 0) return undefined
      entriesLeft--
      if (((chunk.data[cursor.at] ?? 0) & SUB_BATCH) === 0) {
        offset++
        return cursor.take(cursor.u32())
      }
      batch = readBatch()
    }
  }

  function readBatch(): NonNullable<typeof batch> {
    const kind = (cursor.u8() & 0x70) >> 4
    const [records, plainBytes, bytes] = [cursor.u16(), cursor.u32(), cursor.u32()]
    const data = cursor.take(bytes)
    if (records * 4 > plainBytes || plainBytes > MAX_BATCH_BYTES)
      throw malformed(`a batch of ${records} records in ${plainBytes} bytes`)
    if (kind === 0) return { cursor: createCursor(data), left: records }
    if (kind === 1)
      return { cursor: createCursor(gunzipSync(data, { maxOutputLength: Math.max(1, plainBytes) })), left: records }
    throw malformed(
      `a batch compressed with ${COMPRESSIONS[kind] ?? `method ${kind}`} at offset ${offset}; Drawbridge reads none and gzip: set the producer to one of them`,
    )
  }

  return { chunk, offset: () => offset, next }
}
