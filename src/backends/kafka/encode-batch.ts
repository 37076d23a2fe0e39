import { crc32c } from '@node-rs/crc32'
import type { NewRecord } from '../../core/record.ts'
import { CODECS, type Codec, compress } from './compression.ts'

/** Who appends, for the broker's check of repeats: one sequence of record numbers per partition and producer id. */
export interface Author {
  readonly id: bigint
  readonly epoch: number
}

const HEADER_BYTES = 61
/** Attributes, time, offset delta, lengths: more than a record without headers ever needs beside its bytes. */
const RECORD_OVERHEAD = 32
const HEADER_OVERHEAD = 10
const CRC_AT = 17
const CRC_FROM = 21
const MAGIC = 2
const NO_PRODUCER_EPOCH = -1

/**
 * Record batch, format 2 (https://kafka.apache.org/documentation/#recordbatch). kafkajs's encoder takes headers as an
 * object, which loses the order of repeated names, and fails on a null value.
 */
export function encodeBatch(records: readonly NewRecord[], author: Author, firstSequence: number): Buffer {
  let size = HEADER_BYTES
  let maxTimestamp = Number.NEGATIVE_INFINITY
  for (const record of records) {
    size += boundOf(record)
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
  }
  const baseTimestamp = records[0]?.timestamp ?? 0
  const buffer = Buffer.allocUnsafe(size)
  let at = HEADER_BYTES

  function varint(value: number): void {
    at = writeVarint(buffer, at, value)
  }

  function field(bytes: Buffer | null): void {
    varint(bytes === null ? -1 : bytes.length)
    if (bytes === null) return
    bytes.copy(buffer, at)
    at += bytes.length
  }

  for (let index = 0; index < records.length; index++) {
    const record = records[index] as NewRecord
    const delta = record.timestamp - baseTimestamp
    const length = bodyBytes(record, index, delta)
    varint(length)
    buffer[at++] = 0
    varint(delta)
    varint(index)
    field(record.key)
    field(record.value)
    varint(record.headers.length)
    for (const [name, value] of record.headers) {
      const nameBytes = Buffer.byteLength(name)
      varint(nameBytes)
      at += buffer.write(name, at, nameBytes, 'utf8')
      field(value)
    }
  }

  buffer.writeBigInt64BE(0n, 0)
  buffer.writeInt32BE(at - 12, 8)
  buffer.writeInt32BE(-1, 12)
  buffer.writeInt8(MAGIC, 16)
  buffer.writeInt16BE(0, 21)
  buffer.writeInt32BE(records.length - 1, 23)
  buffer.writeBigInt64BE(BigInt(baseTimestamp), 27)
  buffer.writeBigInt64BE(BigInt(maxTimestamp), 35)
  buffer.writeBigInt64BE(author.id, 43)
  buffer.writeInt16BE(author.id < 0n ? NO_PRODUCER_EPOCH : author.epoch, 51)
  buffer.writeInt32BE(firstSequence, 53)
  buffer.writeInt32BE(records.length, 57)
  return sealed(buffer.subarray(0, at))
}

/** The same batch with its records compressed; as it was where that would make it no smaller. */
export async function compressBatch(batch: Buffer, codec: Codec): Promise<Buffer> {
  if (codec === 'none') return batch
  const records = await compress(codec, batch.subarray(HEADER_BYTES))
  if (HEADER_BYTES + records.length >= batch.length) return batch
  const smaller = Buffer.concat([batch.subarray(0, HEADER_BYTES), records])
  smaller.writeInt32BE(smaller.length - 12, 8)
  smaller.writeInt16BE(CODECS.indexOf(codec), 21)
  return sealed(smaller)
}

function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_AT)
  return batch
}

/** No fewer bytes than the record takes in a batch. */
export function boundOf({ key, value, headers }: NewRecord): number {
  let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers) bytes += HEADER_OVERHEAD + Buffer.byteLength(name) + (content?.length ?? 0)
  return bytes
}

export const BATCH_OVERHEAD_BYTES = HEADER_BYTES

function bodyBytes({ key, value, headers }: NewRecord, index: number, delta: number): number {
  let bytes = 1 + varintBytes(delta) + varintBytes(index) + fieldBytes(key) + fieldBytes(value)
  bytes += varintBytes(headers.length)
  for (const [name, content] of headers) {
    const nameBytes = Buffer.byteLength(name)
    bytes += varintBytes(nameBytes) + nameBytes + fieldBytes(content)
  }
  return bytes
}

function fieldBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintBytes(bytes.length) + bytes.length
}

/** Zigzag. Division does where 32-bit shifts would not reach; what doubling would take beyond 2^53 goes by bigint. */
function writeVarint(buffer: Buffer, place: number, value: number): number {
  let at = place
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  if (rest >= Number.MAX_SAFE_INTEGER) {
    let exact = value >= 0 ? BigInt(value) * 2n : BigInt(-value) * 2n - 1n
    while (exact > 0x7fn) {
      buffer[at++] = Number(exact & 0x7fn) | 0x80
      exact >>= 7n
    }
    rest = Number(exact)
  }
  while (rest > 0x7f) {
    buffer[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  buffer[at++] = rest
  return at
}

/** Of a rounded double too: 2^53 and what lies next to it take the same number of bytes. */
function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let bytes = 1
  while (rest > 0x7f) {
    rest = Math.floor(rest / 0x80)
    bytes++
  }
  return bytes
}
