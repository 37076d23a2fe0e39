import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { murmur2, murmur2Partition } from '../../../src/backends/murmur2.ts'

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['abc', 479470107],
    ['日本語', 1431860170],
  ])('hashes-as-kafka-does: %s', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
    expect(murmur2Partition(Buffer.from(key), 6)).toBe((hash & 0x7fffffff) % 6)
  })

  it('chooses-an-existing-partition-and-the-same-each-time', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
        const partition = murmur2Partition(key, partitions)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(partitions)
        expect(murmur2Partition(Buffer.from(key), partitions)).toBe(partition)
      }),
    )
  })
})
