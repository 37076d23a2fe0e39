import { expect, test } from '@jest/globals'
import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import type { NewRecord, StoredRecord } from '../../../../src/core/record.ts'
import { createChunk } from '../../../../src/backends/kafka/decode-batch.ts'
import { CODECS, type Codec } from '../../../../src/backends/kafka/compression.ts'
import { boundOf, compressBatch, encodeBatch } from '../../../../src/backends/kafka/encode-batch.ts'

const AUTHOR = { id: 7n, epoch: 0 }
const ALL = { maxRecords: 1_000_000, maxBytes: Number.POSITIVE_INFINITY }

const bytes = fc.option(
  fc.uint8Array({ maxLength: 3_000 }).map((data) => Buffer.from(data)),
  { nil: null },
)
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.constantFrom('', 'a', 'a', '1', '0', '__proto__', 'é日'), bytes), { maxLength: 5 }),
  timestamp: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
})

/** As it stands in a log that begins the batch at `base`. */
function stored(records: readonly NewRecord[], base = 0): Buffer {
  const batch = Buffer.from(encodeBatch(records, AUTHOR, 0))
  batch.writeBigInt64BE(BigInt(base), 0)
  return batch
}

function takeAll(data: Buffer, from: number, to = Number.POSITIVE_INFINITY): StoredRecord[] {
  const into: StoredRecord[] = []
  createChunk({ bytes: data, from, aborted: [], place: 'here' }).take(into, from, to, ALL)
  return into
}

test('what-is-encoded-is-decoded-byte-for-byte', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(2 ** 40), (records, base) => {
      const data = stored(records, base)
      expect(data.length).toBeLessThanOrEqual(61 + records.reduce((sum, each) => sum + boundOf(each), 0))
      const seen = takeAll(data, base)
      expect(seen.map(({ offset }) => offset)).toEqual(records.map((_, index) => base + index))
      expect(seen.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(records)
    }),
    { numRuns: 200 },
  )
})

test('what-is-left-of-a-chunk-can-be-taken-after-its-answer-is-gone', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(20), (records, taken) => {
      const data = Buffer.concat([stored(records), stored(records, records.length)])
      const chunk = createChunk({ bytes: data, from: 0, aborted: [], place: 'here' })
      const into: StoredRecord[] = []
      if (taken > 0) chunk.take(into, 0, Number.POSITIVE_INFINITY, { ...ALL, maxRecords: taken })
      chunk.detach()
      data.fill(0xff)
      chunk.take(into, 0, Number.POSITIVE_INFINITY, ALL)
      expect(into.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual([
        ...records,
        ...records,
      ])
      expect([chunk.empty, chunk.unopened, chunk.next]).toEqual([true, 0, 2 * records.length])
    }),
  )
})

test('a-kept-key-keeps-no-batch-in-memory', () => {
  const plain = { key: Buffer.from('k'), headers: [], timestamp: 1 }
  const data = stored([
    { ...plain, value: Buffer.alloc(100) },
    { ...plain, value: Buffer.alloc(50_000) },
  ])
  for (const { key, value } of takeAll(data, 0)) {
    expect(key?.buffer.byteLength).toBeLessThanOrEqual(16_384)
    expect(value?.buffer.byteLength).toBeLessThanOrEqual(Math.max(value?.length ?? 0, 16_384))
  }
})

test('a-read-begins-and-ends-inside-a-batch-and-knows-what-follows-it', () => {
  const records = ['a', 'b', 'c', 'd'].map((text) => ({
    key: null,
    value: Buffer.from(text),
    headers: [],
    timestamp: 5,
  }))
  const data = stored(records, 10)
  expect(takeAll(data, 11, 13).map(({ value }) => value?.toString())).toEqual(['b', 'c'])
  expect(createChunk({ bytes: data, from: 11, aborted: [], place: 'here' }).next).toBe(14)
  // A batch that is cut off comes again.
  const cut = Buffer.concat([data, stored(records, 14).subarray(0, 70)])
  expect(createChunk({ bytes: cut, from: 10, aborted: [], place: 'here' })).toMatchObject({
    next: 14,
    bytes: data.length,
  })
})

test.each(CODECS)('what-is-compressed-by-%s-is-decoded-byte-for-byte', async (codec) => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(1_000), async (records, base) => {
      const data = await compressBatch(Buffer.from(encodeBatch(records, AUTHOR, 0)), codec)
      data.writeBigInt64BE(BigInt(base), 0)
      const seen = takeAll(data, base)
      expect(seen.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(records)
    }),
    { numRuns: 30 },
  )
})

test.each(CODECS)('one-changed-byte-of-a-batch-by-%s-is-an-error-naming-the-place', async (codec) => {
  const data = await sample(codec)
  // Base offset, length, leader epoch and magic stand before the checksum, and what it covers.
  for (let at = 17; at < data.length; at++) {
    const changed = Buffer.from(data)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    expect(() => takeAll(changed, 0)).toThrow(/^here, offset 0: a record batch is damaged/)
  }
})

test.each(CODECS)('a-batch-by-%s-cut-at-any-byte-gives-nothing-and-comes-again', async (codec) => {
  const data = await sample(codec)
  for (let length = 0; length < data.length; length++) {
    const cut = data.subarray(0, length)
    expect(takeAll(cut, 0)).toEqual([])
    expect(createChunk({ bytes: cut, from: 0, aborted: [], place: 'here' }).next).toBe(0)
    const behind = createChunk({ bytes: Buffer.concat([data, cut]), from: 0, aborted: [], place: 'here' })
    expect(behind).toMatchObject({ next: 5, bytes: data.length })
  }
})

test('random-bytes-are-an-error-or-nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(5), (bytes, magic) => {
      const data = Buffer.from(bytes)
      if (data.length > 16 && magic < 3) data[16] = 2
      expectRefusedOrEmpty(() => takeAll(data, 0))
    }),
    { numRuns: 2_000 },
  )
})

test.each(CODECS)('random-records-under-a-right-checksum-are-an-error-or-records-by-%s', async (codec) => {
  // As a broken producer would write them: the checksum says nothing about what it covers.
  const header = (await sample('none')).subarray(0, 61)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: -2, max: 2 ** 31 - 1 }), (records, count) => {
      const data = Buffer.concat([header, records])
      data.writeInt32BE(data.length - 12, 8)
      data.writeInt16BE(CODECS.indexOf(codec), 21)
      data.writeInt32BE(count, 57)
      data.writeUInt32BE(crc32c(data.subarray(21)), 17)
      expectRefusedOrEmpty(() => takeAll(data, 0))
    }),
    { numRuns: 1_000 },
  )
})

test.each([-2_147_483_648, -12, 0, 48])('a-batch-that-claims-%d-bytes-is-refused', (claim) => {
  const data = stored([{ key: null, value: null, headers: [], timestamp: 0 }])
  data.writeInt32BE(claim, 8)
  expect(() => takeAll(data, 0)).toThrow(/damaged/)
})

async function sample(codec: Codec): Promise<Buffer> {
  const text = 'what repeats is compressed; '.repeat(8)
  const records = Array.from({ length: 5 }, (_, index) => ({
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(text),
    headers: [],
    timestamp: index,
  }))
  const data = await compressBatch(stored(records), codec)
  expect(data.readInt16BE(21)).toBe(CODECS.indexOf(codec))
  return data
}

function expectRefusedOrEmpty(read: () => readonly StoredRecord[]): void {
  try {
    read()
  } catch (error) {
    expect(['ERR_STORE_FAILED', 'ERR_UNSUPPORTED']).toContain((error as { code?: string }).code)
  }
}
