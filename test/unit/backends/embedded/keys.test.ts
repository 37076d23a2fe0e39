import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  ALL_GROUPS,
  ALL_TOPICS,
  chunkKey,
  chunksFrom,
  groupKey,
  groupOfKey,
  topicKey,
  topicOfKey,
} from '../../../../src/backends/embedded/keys.ts'

const name = fc.stringMatching(/^[a-zA-Z0-9._-]{1,200}$/)
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })

describe('keys', () => {
  it('names-survive-and-lie-in-their-range', () => {
    fc.assert(
      fc.property(name, u32, (text, id) => {
        expect(topicOfKey(topicKey(text))).toBe(text)
        expect(groupOfKey(groupKey(text, id))).toEqual({ group: text, topicId: id })
        for (const [range, key] of [
          [ALL_TOPICS, topicKey(text)],
          [ALL_GROUPS, groupKey(text, id)],
        ] as const) {
          expect(Buffer.compare(range.start, key)).toBeLessThan(0)
          expect(Buffer.compare(key, range.end)).toBeLessThan(0)
        }
      }),
    )
  })

  it('chunks-sort-by-offset-within-their-partition-only', () => {
    fc.assert(
      fc.property(u32, u32, fc.maxSafeNat(), fc.maxSafeNat(), (topic, partition, a, b) => {
        expect(Math.sign(Buffer.compare(chunkKey(topic, partition, a), chunkKey(topic, partition, b)))).toBe(
          Math.sign(a - b),
        )
        const { start, end } = chunksFrom(topic, partition, Math.min(a, b))
        const inside = chunkKey(topic, partition, Math.max(a, b))
        expect(Buffer.compare(start, inside)).toBeLessThanOrEqual(0)
        expect(Buffer.compare(inside, end)).toBeLessThan(0)
        if (partition < 0xffff_ffff) expect(Buffer.compare(end, chunkKey(topic, partition + 1, 0))).toBeLessThan(0)
      }),
    )
  })
})
