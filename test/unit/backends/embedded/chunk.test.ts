import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CHUNK_BYTES, encodeAppend, stampChunk, visitChunk } from '../../../../src/backends/embedded/chunk.ts'
import type { NewRecord, StoredRecord } from '../../../../src/core/record.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)))
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes), { maxLength: 4 }),
  timestamp: fc.integer(),
})

function store(records: readonly NewRecord[], firstOffset: number, appendedAt: number): StoredRecord[] {
  const { buffer, chunks } = encodeAppend(records)
  const stored: StoredRecord[] = []
  let next = firstOffset
  for (const place of chunks) {
    const chunk = new Uint8Array(buffer, place.at, place.bytes)
    stampChunk(chunk, next, appendedAt)
    next += place.records
    visitChunk(chunk, (_offset, _bytes, read) => stored.push(read()) > 0)
  }
  return stored
}

describe('chunk', () => {
  it('gives-records-back-byte-for-byte-with-their-offsets', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 400 }), fc.maxSafeNat(), fc.nat(), (records, first, appendedAt) => {
        const firstOffset = Math.min(first, Number.MAX_SAFE_INTEGER - 1_000)
        const expected = records.map((one, index) => ({ ...one, offset: firstOffset + index, appendedAt }))
        expect(store(records, firstOffset, appendedAt)).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })

  it('tells-null-from-empty', () => {
    const empty = Buffer.alloc(0)
    const headers = [['h', null] as const, ['h', empty] as const, ['', Buffer.from('x')] as const]
    const records = [
      { key: null, value: empty, headers, timestamp: 1 },
      { key: empty, value: null, headers: [], timestamp: 1 },
    ]
    expect(store(records, 0, 0)).toEqual(records.map((one, offset) => ({ ...one, offset, appendedAt: 0 })))
  })

  it('holds-a-large-record-alone-and-small-ones-together', () => {
    const value = (size: number): NewRecord => ({ key: null, value: Buffer.alloc(size), headers: [], timestamp: 0 })
    const { chunks } = encodeAppend([
      value(10),
      value(1_000_000),
      value(10),
      ...Array.from({ length: 1_000 }, () => value(200)),
    ])
    expect(chunks.map(({ records }) => records).slice(0, 2)).toEqual([1, 1])
    expect(chunks.slice(2).every((chunk) => chunk.bytes <= CHUNK_BYTES)).toBe(true)
    expect(chunks.length).toBeLessThan(10)
  })

  it('a-kept-key-keeps-no-chunk-in-memory', () => {
    const [stored] = store(
      [{ key: Buffer.from('key'), value: Buffer.alloc(100_000), headers: [['h', Buffer.from('v')]], timestamp: 0 }],
      0,
      0,
    )
    expect(stored?.key?.buffer.byteLength).toBeLessThanOrEqual(16_384)
    expect(stored?.headers[0]?.[1]?.buffer.byteLength).toBeLessThanOrEqual(16_384)
    expect(stored?.value?.buffer.byteLength).toBe(100_000)
  })
})
