import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { copyOut } from '../../../src/backends/slab.ts'

test('copies-are-faithful-and-share-no-byte-with-each-other-or-their-source', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6_000), { minLength: 1, maxLength: 30 }), (sizes) => {
      const source = Buffer.alloc(6_000, 7)
      const copies = sizes.map((size) => copyOut(source, 6_000 - size, 6_000))
      source.fill(0)
      for (const [index, copy] of copies.entries()) {
        expect(copy.equals(Buffer.alloc(sizes[index] ?? 0, 7))).toBe(true)
        expect(copy.buffer.byteLength).toBeLessThanOrEqual(Math.max(16_384, copy.length))
        copy.fill(index)
      }
      for (const [index, copy] of copies.entries()) expect(copy.every((byte) => byte === index)).toBe(true)
    }),
  )
})
