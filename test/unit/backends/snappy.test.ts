import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decompressLz4 } from '../../../src/backends/lz4.ts'
import { decompressSnappy } from '../../../src/backends/snappy.ts'

const MAX = 1_000
/** By its name: Jest's realm has another class. */
const REFUSED = expect.objectContaining({ name: 'RangeError' }) as unknown as Error
/** Ten times `a`: one literal, and one copy of nine bytes. */
const BLOCK = Buffer.from([10, 0x00, 0x61, 0x15, 0x01])
const IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex')

function frameOf(kind: number, data: Buffer): Buffer {
  const size = Buffer.alloc(3)
  size.writeUIntLE(data.length + 4, 0, 3)
  return Buffer.concat([Buffer.from([kind]), size, Buffer.alloc(4), data])
}

describe('snappy', () => {
  it('a-plain-block-and-frames-of-both-kinds-are-read', () => {
    expect(String(decompressSnappy(BLOCK, MAX))).toBe('a'.repeat(10))
    const frames = Buffer.concat([
      IDENTIFIER,
      frameOf(0, BLOCK),
      frameOf(0x80, Buffer.from('skip')),
      frameOf(1, Buffer.from('b')),
    ])
    expect(String(decompressSnappy(frames, MAX))).toBe(`${'a'.repeat(10)}b`)
    expect(() => decompressSnappy(Buffer.concat([IDENTIFIER, frameOf(2, BLOCK)]), MAX)).toThrow(REFUSED)
  })

  it('a-claimed-size-allocates-nothing', () => {
    const before = process.memoryUsage().arrayBuffers
    // 2^27 - 1 bytes, out of one.
    expect(() => decompressSnappy(Buffer.from([0xff, 0xff, 0xff, 0x3f, 0]), 2 ** 27)).toThrow(REFUSED)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  it('what-grows-beyond-the-bound-and-any-cut-is-refused', () => {
    const frames = Buffer.concat([IDENTIFIER, frameOf(0, BLOCK), frameOf(1, Buffer.from('b'))])
    expect(() => decompressSnappy(frames, 10)).toThrow(REFUSED)
    for (let length = IDENTIFIER.length + 1; length < frames.length; length++) {
      if (length === IDENTIFIER.length + frameOf(0, BLOCK).length) continue
      expect(() => decompressSnappy(frames.subarray(0, length), MAX)).toThrow(REFUSED)
    }
  })

  it('random-bytes-end-in-bytes-or-a-range-error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, isFramed) => {
        for (const decompress of [decompressSnappy, decompressLz4]) {
          try {
            const read = decompress(Buffer.concat([isFramed ? IDENTIFIER : Buffer.alloc(0), bytes]), MAX)
            expect(read.length).toBeLessThanOrEqual(MAX)
          } catch (error) {
            expect((error as Error).name).toBe('RangeError')
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
