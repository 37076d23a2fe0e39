import { type Headers, type NewRecord, NO_HEADERS, type StoredRecord } from '../../core/record.ts'
import { copyOut } from '../slab.ts'

/*
 * A chunk is the unit at rest: neighbouring records of one append under one LMDB key. Little-endian.
 *   0 u8 layout (1) | 4 u32 records | 8 f64 base offset | 16 f64 appendedAt | 24 records
 *   record: u32 bytes after this field | u32 offset - base | f64 timestamp | i32 key bytes, -1 null | i32 value bytes
 *           | u32 headers | key | value | headers: u32 name bytes, i32 value bytes, name, value
 * Base offset and appendedAt are zero until the writer stamps them inside its transaction.
 */
const LAYOUT = 1
export const CHUNK_HEADER = 24
export const RECORD_HEADER = 28
const HEADER_HEADER = 8

/**
 * Bytes at which a chunk is closed. Small enough that a pull of one record copies little, large enough that a key, a
 * tree entry and the slack of the last page (4 KiB) are shared by many records.
 */
export const CHUNK_BYTES = 65_536

export interface ChunkPlace {
  readonly at: number
  readonly bytes: number
  readonly records: number
}

export interface EncodedAppend {
  readonly buffer: ArrayBuffer
  readonly chunks: readonly ChunkPlace[]
}

/** Lays the records out as chunks in one buffer, ready to be transferred to the writer. */
export function encodeAppend(records: readonly NewRecord[]): EncodedAppend {
  const sizes = records.map(encodedBytes)
  const chunks: ChunkPlace[] = []
  let total = 0
  for (let i = 0; i < sizes.length; ) {
    let bytes = CHUNK_HEADER
    const first = i
    do bytes += sizes[i++] ?? 0
    while (i < sizes.length && bytes + (sizes[i] ?? 0) <= CHUNK_BYTES)
    chunks.push({ at: total, bytes, records: i - first })
    // LMDB's f64 fields are read through DataView, so no alignment is needed between chunks.
    total += bytes
  }
  const target = Buffer.from(new ArrayBuffer(total))
  const view = new DataView(target.buffer)
  let next = 0
  for (const chunk of chunks) {
    view.setUint8(chunk.at, LAYOUT)
    view.setUint32(chunk.at + 4, chunk.records, true)
    let at = chunk.at + CHUNK_HEADER
    for (let delta = 0; delta < chunk.records; delta += 1, next += 1) {
      const record = records[next]
      if (record !== undefined) at = writeRecord(target, view, at, delta, sizes[next] ?? 0, record)
    }
  }
  return { buffer: target.buffer, chunks }
}

/** Fills in what only the transaction knows. */
export function stampChunk(chunk: Uint8Array, baseOffset: number, appendedAt: number): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  view.setFloat64(8, baseOffset, true)
  view.setFloat64(16, appendedAt, true)
}

export function chunkAppendedAt(chunk: Uint8Array): number {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength).getFloat64(16, true)
}

/** Receives a record; false ends the walk. `bytes` is its encoded size. */
export type RecordVisitor = (offset: number, bytes: number, read: () => StoredRecord) => boolean

/** Walks a chunk in offset order, decoding only what the visitor asks for. False when the visitor ended it. */
export function visitChunk(chunk: Uint8Array, visit: RecordVisitor): boolean {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const bytesOfChunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const layout = view.getUint8(0)
  if (layout !== LAYOUT) throw new Error(`chunk of unknown layout ${layout}`)
  const records = view.getUint32(4, true)
  const base = view.getFloat64(8, true)
  const appendedAt = view.getFloat64(16, true)
  let at = CHUNK_HEADER
  for (let i = 0; i < records; i += 1) {
    const start = at
    const bytes = view.getUint32(start, true) + 4
    const offset = base + view.getUint32(start + 4, true)
    if (!visit(offset, bytes, () => readRecord(bytesOfChunk, view, start, offset, appendedAt))) return false
    at += bytes
  }
  return true
}

function encodedBytes(record: NewRecord): number {
  let bytes = RECORD_HEADER + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += HEADER_HEADER + Buffer.byteLength(name) + (value?.length ?? 0)
  return bytes
}

function writeRecord(
  target: Buffer,
  view: DataView,
  start: number,
  delta: number,
  size: number,
  record: NewRecord,
): number {
  view.setUint32(start, size - 4, true)
  view.setUint32(start + 4, delta, true)
  view.setFloat64(start + 8, record.timestamp, true)
  view.setInt32(start + 16, record.key?.length ?? -1, true)
  view.setInt32(start + 20, record.value?.length ?? -1, true)
  view.setUint32(start + 24, record.headers.length, true)
  let at = writeBytes(target, start + RECORD_HEADER, record.key)
  at = writeBytes(target, at, record.value)
  for (const [name, value] of record.headers) {
    const nameBytes = target.write(name, at + HEADER_HEADER)
    view.setUint32(at, nameBytes, true)
    view.setInt32(at + 4, value?.length ?? -1, true)
    at = writeBytes(target, at + HEADER_HEADER + nameBytes, value)
  }
  return at
}

function writeBytes(target: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return at
  target.set(bytes, at)
  return at + bytes.length
}

function readRecord(chunk: Buffer, view: DataView, start: number, offset: number, appendedAt: number): StoredRecord {
  const keyBytes = view.getInt32(start + 16, true)
  const valueBytes = view.getInt32(start + 20, true)
  const keyAt = start + RECORD_HEADER
  const valueAt = keyAt + Math.max(keyBytes, 0)
  const at = valueAt + Math.max(valueBytes, 0)
  const key = readBytes(chunk, keyAt, keyBytes)
  const value = readBytes(chunk, valueAt, valueBytes)
  const headers = readHeaders(chunk, view, at, view.getUint32(start + 24, true))
  return { key, value, headers, timestamp: view.getFloat64(start + 8, true), offset, appendedAt }
}

function readHeaders(chunk: Buffer, view: DataView, start: number, count: number): Headers {
  if (count === 0) return NO_HEADERS
  const headers: [string, Buffer | null][] = []
  let at = start
  for (let i = 0; i < count; i += 1) {
    const nameBytes = view.getUint32(at, true)
    const valueBytes = view.getInt32(at + 4, true)
    at += HEADER_HEADER
    const name = chunk.toString('utf8', at, at + nameBytes)
    at += nameBytes
    headers.push([name, readBytes(chunk, at, valueBytes)])
    at += Math.max(valueBytes, 0)
  }
  return headers
}

function readBytes(chunk: Buffer, at: number, length: number): Buffer | null {
  return length < 0 ? null : copyOut(chunk, at, at + length)
}
