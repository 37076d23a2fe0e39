import { describe, expect, it } from '@jest/globals'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
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
  for (;;) {
    const offset = reader.offset()
    const message = reader.next()
    if (message === undefined) return seen
    expect(reader.given()).toBe(offset)
    seen.push({ offset, text: message.toString() })
  }
}

/** Google's framing format with one uncompressed chunk, behind a padding one. */
function snappyOf(data: Buffer): Buffer {
  const size = Buffer.alloc(3)
  size.writeUIntLE(data.length + 4, 0, 3)
  const padding = Buffer.from([0xfe, 2, 0, 0, 0, 0])
  return Buffer.concat([
    Buffer.from('ff060000734e61507059', 'hex'),
    padding,
    Buffer.from([1]),
    size,
    Buffer.alloc(4),
    data,
  ])
}

/** A frame of one uncompressed block. */
function lz4Of(data: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(0x80000000 + data.length)
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), size, data, Buffer.alloc(4)])
}

describe('osiris chunks', () => {
  it('records-of-batches-have-their-own-offsets-in-every-codec', () => {
    const inner = Buffer.concat(['b', 'c'].map((text) => simple(Buffer.from(text))))
    const packed = [inner, gzipSync(inner), snappyOf(inner), lz4Of(inner), zstdCompressSync(inner)]
    const entries = [
      simple(Buffer.from('a')),
      ...packed.map((data, kind) => batch(kind, 2, inner.length, data)),
      simple(Buffer.from('d')),
    ]
    expect(readAll(chunkOf(entries, 12))).toEqual(
      ['a', ...packed.flatMap(() => ['b', 'c']), 'd'].map((text, index) => ({ offset: FIRST + index, text })),
    )
  })

  it('a-batch-with-a-broken-inside-is-its-bytes-once-and-the-next-record-has-its-own-offset', () => {
    const bomb = gzipSync(Buffer.alloc(135e6), { level: 1 })
    const whole = Buffer.concat([simple(Buffer.from('one')), Buffer.from([0, 0, 0, 99, 1])])
    const broken = [
      ...[1, 2, 3, 4, 5, 7].map((kind) => ({
        data: Buffer.from('neither'),
        entry: batch(kind, 3, 100, Buffer.from('neither')),
      })),
      { data: Buffer.from([0, 0, 0, 99, 1]), entry: batch(0, 3, 5, Buffer.from([0, 0, 0, 99, 1])) },
      { data: Buffer.from('many'), entry: batch(1, 65_535, 10, Buffer.from('many')) },
      { data: bomb, entry: batch(1, 3, 10, bomb) },
    ]
    for (const { data, entry } of broken) {
      const claimed = entry.readUInt16BE(1)
      const read = readAll(chunkOf([entry, simple(Buffer.from('after'))], claimed + 1))
      expect(read).toEqual([
        { offset: FIRST, text: data.toString() },
        { offset: FIRST + claimed, text: 'after' },
      ])
    }
    const partly = readAll(chunkOf([batch(0, 5, whole.length, whole), simple(Buffer.from('after'))], 6))
    expect(partly).toEqual([
      { offset: FIRST, text: 'one' },
      { offset: FIRST + 1, text: whole.toString() },
      { offset: FIRST + 5, text: 'after' },
    ])
  })

  it('any-bytes-in-a-batch-are-records-or-one-record', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(7),
        fc.integer({ min: 1, max: 9 }),
        (bytes, kind, claimed) => {
          const read = readAll(
            chunkOf([batch(kind, claimed, 9, Buffer.from(bytes)), simple(Buffer.from('after'))], claimed + 1),
          )
          expect(read.length).toBeLessThanOrEqual(claimed + 1)
          expect(read.at(-1)).toEqual({ offset: FIRST + claimed, text: 'after' })
        },
      ),
      { numRuns: 500 },
    )
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
