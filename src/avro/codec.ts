import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import type { Codec } from '../core/codec.ts'
import { DrawbridgeError, errorText, hasCode } from '../core/errors.ts'
import { canonicalSchema } from './compatibility.ts'
import { createCursor, DEFAULT_LIMITS, type DecodeLimits } from './cursor.ts'
import { compileReader, type Read } from './decode.ts'
import { compileWriter } from './encode.ts'
import { FRAME_BYTES, readFrame, writeFrame } from './framing.ts'
import { borrowOutput, outputBytes, returnOutput } from './output.ts'
import { parseSchema } from './parse-schema.ts'
import { foundText, isRefusal, refusalPath, refuseText } from './refusal.ts'
import { branchName, type SchemaNode } from './schema.ts'

export interface AvroCodecOptions {
  /** For messages. */
  readonly topic: string
  /** The topic's schema: JSON, or its text. */
  readonly schema: unknown
  /** Its id in the registry, which goes into every record; null for a codec that only reads. */
  readonly schemaId: number | null
  /** The schema text of another writer's id. Asked once per id; ERR_SCHEMA_UNKNOWN makes the record undecodable. */
  readonly schemaById: (id: number) => Promise<string>
  /** Whether null (a tombstone) is a value. */
  readonly compact: boolean
  readonly limits?: Partial<DecodeLimits>
}

/** How many writers' schemas stay compiled; the one met first goes first. */
const MAX_WRITERS = 1000

/**
 * Values of one topic in the Confluent wire format: 0x00, the schema id in 4 bytes big-endian, the Avro body.
 *
 * `encode` throws ERR_VALUE_INVALID with the path of the field. `decode` answers at once for schemas seen before, and
 * fetches a writer's schema once however many records wait for it; values are plain objects of their own memory. Any
 * bytes that are no value of the topic are ERR_UNDECODABLE, within the limits on items and depth; other errors of
 * `schemaById` (a registry out of reach) pass through and are asked again next time. ERR_SCHEMA_INVALID for a bad
 * schema.
 */
export function createAvroCodec<T>(options: AvroCodecOptions): Codec<T> {
  const { topic, schemaId, compact } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const reader = parseSchema(options.schema)
  const write = compileWriter(reader)
  const ownText = canonicalSchema(options.schema)
  const ownRead = compileReader(reader, reader)
  const readers = new Map<number, Read | Promise<Read>>(schemaId === null ? [] : [[schemaId, ownRead]])
  const cursor = createCursor()

  function encode(value: T): Buffer | null {
    if (value === null && compact) return null
    if (schemaId === null)
      throw new DrawbridgeError(
        'ERR_SCHEMA_UNKNOWN',
        `${topic}: the schema has no id yet; declare the topic before sending`,
        { details: { topic } },
      )
    const out = borrowOutput()
    try {
      out.items = limits.maxItems
      out.depth = limits.maxDepth
      out.pos = FRAME_BYTES
      writeFrame(out.buf, schemaId)
      write(out, value)
      return outputBytes(out)
    } catch (error) {
      throw invalid(topic, error)
    } finally {
      returnOutput(out)
    }
  }

  function decode(bytes: Buffer | null): T | Promise<T> {
    if (bytes === null) {
      if (compact) return null as T
      throw undecodable(
        topic,
        'the record has no value (a tombstone); declare the topic with compact: true to receive it as null',
      )
    }
    const id = readFrame(bytes, (problem) => undecodable(topic, problem))
    const read = readers.get(id)
    if (typeof read === 'function') return readBody(bytes, id, read)
    return (read ?? fetchReader(id)).then((fetched) => readBody(bytes, id, fetched))
  }

  function readBody(bytes: Buffer, id: number, read: Read): T {
    cursor.buf = bytes
    cursor.pos = FRAME_BYTES
    cursor.items = limits.maxItems
    cursor.depth = limits.maxDepth
    try {
      const value = read(cursor)
      if (cursor.pos !== bytes.length) throw new RangeError(`${bytes.length - cursor.pos} bytes left after the value`)
      return value as T
    } catch (error) {
      throw undecodable(topic, `schema ${id}, byte ${cursor.pos}${at(error)}: ${errorText(error)}`, error)
    } finally {
      cursor.buf = NOTHING
    }
  }

  function fetchReader(id: number): Promise<Read> {
    const fetched = (async () => {
      try {
        const text = await options.schemaById(id)
        const read = canonicalSchema(text) === ownText ? ownRead : writerReader(text, reader)
        keep(id, read)
        return read
      } catch (error) {
        readers.delete(id)
        // A schema that is not to be had, or is none, is the record's fault; a registry out of reach is not.
        throw hasCode(error, 'ERR_SCHEMA_UNKNOWN') || hasCode(error, 'ERR_SCHEMA_INVALID')
          ? undecodable(topic, `its schema id ${id} is of no use: ${error.message}`, error)
          : error
      }
    })()
    readers.set(id, fetched)
    return fetched
  }

  function keep(id: number, read: Read): void {
    readers.set(id, read)
    for (const oldest of readers.keys()) {
      if (readers.size <= MAX_WRITERS) break
      if (oldest !== schemaId && typeof readers.get(oldest) === 'function') readers.delete(oldest)
    }
  }

  return { encode, decode }
}

const NOTHING = Buffer.alloc(0)

/** A schema that is none is refused record by record, like the bytes under it, and not parsed again for each. */
function writerReader(text: string, reader: SchemaNode): Read {
  let writer: SchemaNode
  let read: Read
  try {
    writer = parseSchema(text, 'foreign')
    read = compileReader(writer, reader)
  } catch (error) {
    return () => refuseText(`it is no usable Avro schema: ${errorText(error)}`)
  }
  return (c) => {
    try {
      return read(c)
    } catch (error) {
      if (isRefusal(error)) error.message += ` (written as ${branchName(writer)}, read as ${branchName(reader)})`
      throw error
    }
  }
}

/** Passes values through unframed, for topics declared `value: 'bytes'`. ERR_VALUE_INVALID, ERR_UNDECODABLE for a null. */
export function createBytesCodec(options: {
  readonly topic?: string
  readonly compact: boolean
}): Codec<Buffer | null> {
  const { topic = 'bytes topic', compact } = options
  return {
    encode(value) {
      if (value === null && compact) return null
      if (!types.isUint8Array(value))
        throw new DrawbridgeError(
          'ERR_VALUE_INVALID',
          `${topic}: expected bytes (Buffer or Uint8Array), found ${foundText(value)}`,
        )
      return Buffer.isBuffer(value)
        ? value
        : Buffer.from((value as Uint8Array).buffer, (value as Uint8Array).byteOffset, (value as Uint8Array).byteLength)
    },
    decode(bytes) {
      if (bytes === null && !compact)
        throw undecodable(
          topic,
          'the record has no value (a tombstone); declare the topic with compact: true to receive it as null',
        )
      // A copy: what the handler does to its value must not reach the record that a letter is written from.
      return bytes === null ? null : Buffer.from(bytes)
    },
  }
}

function at(error: unknown): string {
  const path = isRefusal(error) ? refusalPath(error) : ''
  return path === '' ? '' : `, at ${path}`
}

function undecodable(topic: string, problem: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError('ERR_UNDECODABLE', `${topic}: ${problem}`, {
    cause,
    details: isRefusal(cause) ? { topic, path: refusalPath(cause) } : { topic },
  })
}

function invalid(topic: string, error: unknown): DrawbridgeError {
  const path = isRefusal(error) ? refusalPath(error) : ''
  const hint = errorText(error).endsWith('nothing (undefined)')
    ? '; every field has to be given, also those with a default in the schema'
    : ''
  return new DrawbridgeError(
    'ERR_VALUE_INVALID',
    `${topic}: ${path === '' ? 'the value' : path}: ${errorText(error)}${hint}`,
    { cause: error, details: { topic, path } },
  )
}
