import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { NewRecord, StoredRecord } from '../../../../src/core/record.ts'
import { createChunk } from '../../../../src/backends/kafka/decode-batch.ts'
import { boundOf, encodeBatch } from '../../../../src/backends/kafka/encode-batch.ts'

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
  createChunk(data, from, []).take(into, from, to, ALL)
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
  expect(createChunk(data, 11, []).next).toBe(14)
  // A batch that is cut off comes again.
  const cut = Buffer.concat([data, stored(records, 14).subarray(0, 70)])
  expect(createChunk(cut, 10, [])).toMatchObject({ next: 14, bytes: data.length })
})

test('a-damaged-batch-is-an-error-and-nothing-worse', () => {
  const data = stored([{ key: Buffer.from('key'), value: Buffer.from('value'), headers: [], timestamp: 0 }])
  fc.assert(
    fc.property(fc.nat(data.length - 62), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(data)
      damaged[61 + at] = byte
      try {
        takeAll(damaged, 0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_STORE_FAILED' })
      }
    }),
  )
})
