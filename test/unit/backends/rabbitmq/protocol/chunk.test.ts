import { describe, expect, it } from '@jest/globals'
import { crc32, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { createChunkReader, parseChunk } from '../../../../../src/backends/rabbitmq/protocol/chunk.ts'

const FIRST = 1_000

function simple(message: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(message.length)
  return Buffer.concat([size, message])
}

function batch(kind: number, records: number, plainBytes: number, data: Buffer): Buffer {
  const head = Buffer.alloc(11)
  head.writeUInt8(0x80 | (kind << 4), 0)
  head.writeUInt16BE(records, 1)
  head.writeUInt32BE(plainBytes, 3)
  head.writeUInt32BE(data.length, 7)
  return Buffer.concat([head, data])
}

function chunkOf(entries: readonly Buffer[], records: number): Buffer {
  const data = Buffer.concat(entries)
  const head = Buffer.alloc(48)
  head.writeUInt8(0x50, 0)
  head.writeUInt16BE(entries.length, 2)
  head.writeUInt32BE(records, 4)
  head.writeBigInt64BE(1_700_000_000_000n, 8)
  head.writeBigUInt64BE(BigInt(FIRST), 24)
  head.writeUInt32BE(crc32(data), 32)
  head.writeUInt32BE(data.length, 36)
  return Buffer.concat([head, data])
}

function readAll(bytes: Buffer): { offset: number; text: string }[] {
  const reader = createChunkReader(parseChunk(bytes))
  const seen: { offset: number; text: string }[] = []
  for (
    let offset = reader.offset(), next = reader.next();
    next !== undefined;
    offset = reader.offset(), next = reader.next()
  )
    seen.push({ offset, text: next.toString() })
  return seen
}

describe('osiris chunks', () => {
  it('records-of-batches-have-their-own-offsets', () => {
    const inner = Buffer.concat(['b', 'c'].map((text) => simple(Buffer.from(text))))
    const entries = [
      simple(Buffer.from('a')),
      batch(0, 2, inner.length, inner),
      batch(1, 2, inner.length, gzipSync(inner)),
      simple(Buffer.from('d')),
    ]
    expect(readAll(chunkOf(entries, 6))).toEqual(
      ['a', 'b', 'c', 'b', 'c', 'd'].map((text, index) => ({ offset: FIRST + index, text })),
    )
  })

  it('a-batch-with-a-broken-inside-is-its-bytes-once-for-each-record', () => {
    const broken = [
      { data: Buffer.from('no gzip'), entry: batch(1, 3, 100, Buffer.from('no gzip')) },
      { data: Buffer.from([0, 0, 0, 99, 1]), entry: batch(0, 3, 5, Buffer.from([0, 0, 0, 99, 1])) },
      { data: gzipSync(Buffer.alloc(1e6)), entry: batch(1, 3, 10, gzipSync(Buffer.alloc(1e6))) },
    ]
    for (const { data, entry } of broken) {
      const read = readAll(chunkOf([entry, simple(Buffer.from('after'))], 4))
      expect(read.map(({ text }) => text)).toEqual([...Array<string>(3).fill(data.toString()), 'after'])
      expect(read.at(-1)?.offset).toBe(FIRST + 3)
    }
  })

  it('other-compressions-are-refused-by-name-again-and-again', () => {
    const reader = createChunkReader(parseChunk(chunkOf([batch(3, 2, 10, Buffer.alloc(4))], 2)))
    for (let n = 0; n < 2; n++) expect(() => reader.next()).toThrow(/compressed with lz4/)
    expect(reader.offset()).toBe(FIRST)
  })

  it('a-wrong-checksum-or-kind-and-any-cut-is-refused', () => {
    const bytes = chunkOf([simple(Buffer.from('a'))], 1)
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseChunk(bytes.subarray(0, length))).toThrow(/malformed/)
    const flipped = Buffer.from(bytes)
    flipped[flipped.length - 1] = 0
    expect(() => parseChunk(flipped)).toThrow(/wrong checksum/)
    expect(() => parseChunk(Buffer.concat([Buffer.from([0x50, 1]), bytes.subarray(2)]))).toThrow(/kind 1/)
  })

  it('random-bytes-end-in-an-error-and-nothing-else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readAll(Buffer.from(bytes))).toThrow(/malformed/)
      }),
    )
  })
})
