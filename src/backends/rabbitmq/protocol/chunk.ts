import { crc32, gunzipSync } from 'node:zlib'
import { type Cursor, createCursor, malformed } from './wire.ts'

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
  /**
   * A view of the next message; undefined at the end. A batch whose inside is malformed gives its bytes for each record
   * that is claimed and cannot be found. Throws at a batch compressed in a way we do not read, again at each call.
   */
  next(): Buffer | undefined
}

interface Batch {
  readonly data: Buffer
  readonly cursor: Cursor
  left: number
  broken: boolean
}

export function createChunkReader(chunk: Chunk): ChunkReader {
  const cursor = createCursor(chunk.data)
  let entriesLeft = chunk.entries
  let offset = chunk.firstOffset
  let batch: Batch | undefined

  function next(): Buffer | undefined {
    for (;;) {
      if (batch !== undefined && batch.left > 0) {
        batch.left--
        offset++
        return nextOf(batch)
      }
      batch = undefined
      if (entriesLeft === 0) return undefined
      if (((chunk.data[cursor.at] ?? 0) & SUB_BATCH) === 0) {
        entriesLeft--
        offset++
        return cursor.take(cursor.u32())
      }
      batch = readBatch()
      entriesLeft--
    }
  }

  function readBatch(): Batch {
    const start = cursor.at
    const kind = (cursor.u8() & 0x70) >> 4
    const [left, plainBytes, bytes] = [cursor.u16(), cursor.u32(), cursor.u32()]
    const data = cursor.take(bytes)
    if (kind > 1) {
      cursor.at = start
      throw new Error(
        `a batch compressed with ${COMPRESSIONS[kind] ?? `method ${kind}`}; Drawbridge reads uncompressed ones and gzip: set the producer to one of them`,
      )
    }
    const plain = kind === 0 ? data : inflated(data, plainBytes)
    return { data, cursor: createCursor(plain ?? data), left, broken: plain === undefined }
  }

  return { chunk, offset: () => offset, next }
}

function nextOf(batch: Batch): Buffer {
  if (batch.broken) return batch.data
  try {
    return batch.cursor.take(batch.cursor.u32())
  } catch {
    // The producer's own doing: each record it claimed has an offset, and is the whole of what it sent.
    batch.broken = true
    return batch.data
  }
}

/** Undefined where it is not gzip, or more than was claimed. */
function inflated(data: Buffer, plainBytes: number): Buffer | undefined {
  try {
    return gunzipSync(data, { maxOutputLength: Math.max(1, Math.min(plainBytes, MAX_BATCH_BYTES)) })
  } catch {
    return undefined
  }
}
