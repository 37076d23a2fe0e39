import { crc32 } from 'node:zlib'
import { decompress } from './decompress.ts'
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
  /** Offset of the message `next` gave last. */
  given(): number
  /**
   * A view of the next message; undefined at the end. A batch whose inside cannot be read gives all its bytes as one
   * message, at the offset of the first record that cannot be found, and none at the offsets of the others. Throws at a batch
   * that a newer Node.js could read, again at each call.
   */
  next(): Buffer | undefined
}

interface Batch {
  readonly data: Buffer
  /** What the messages are in; undefined where it cannot be read. */
  readonly cursor: Cursor | undefined
  left: number
}

export function createChunkReader(chunk: Chunk): ChunkReader {
  const cursor = createCursor(chunk.data)
  let entriesLeft = chunk.entries
  let offset = chunk.firstOffset
  let given = offset
  let batch: Batch | undefined

  function next(): Buffer | undefined {
    for (;;) {
      if (batch !== undefined && batch.left > 0) return nextOf(batch)
      batch = undefined
      if (entriesLeft === 0) return undefined
      if (((chunk.data[cursor.at] ?? 0) & SUB_BATCH) === 0) {
        entriesLeft--
        given = offset++
        return cursor.take(cursor.u32())
      }
      batch = readBatch()
      entriesLeft--
    }
  }

  function nextOf(from: Batch): Buffer {
    given = offset
    try {
      const message = from.cursor?.take(from.cursor.u32())
      if (message !== undefined) {
        from.left--
        offset++
        return message
      }
    } catch {
      // The producer's own doing: it claimed more records than it sent.
    }
    offset += from.left
    from.left = 0
    return from.data
  }

  function readBatch(): Batch {
    const start = cursor.at
    const kind = (cursor.u8() & 0x70) >> 4
    const left = cursor.u16()
    // The size of what is compressed, which is found out anyway.
    cursor.u32()
    const data = cursor.take(cursor.u32())
    try {
      const plain = decompress(kind, data)
      return { data, left, cursor: plain === undefined ? undefined : createCursor(plain) }
    } catch (error) {
      cursor.at = start
      throw error
    }
  }

  return { chunk, offset: () => offset, given: () => given, next }
}
