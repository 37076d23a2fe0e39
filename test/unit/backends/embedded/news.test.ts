import { expect, it } from '@jest/globals'
import {
  type Counters,
  decodeCounters,
  encodeCounters,
  groupNumber,
  newsBetween,
  placeNumber,
  withNews,
} from '../../../../src/backends/embedded/news.ts'

const none = new Set<number>()

function append(before: Counters, ...places: number[]): Counters {
  return decodeCounters(encodeCounters(withNews(before, new Set(places), none)))
}

it('who-is-not-far-behind-hears-exactly-what-came-since', () => {
  let counters = decodeCounters(undefined)
  for (let n = 0; n < 1_000; n += 1) {
    const seen = counters
    counters = append(counters, n)
    counters = append(counters, n + 1, n + 2)
    expect(newsBetween(seen, counters)).toEqual({ places: new Set([n, n + 1, n + 2]), groups: none })
  }
})

it('who-is-too-far-behind-is-told-to-look-at-everything', () => {
  const start = decodeCounters(undefined)
  let counters = start
  for (let n = 0; n < 128; n += 1) counters = append(counters, n)
  expect(newsBetween(start, counters).places).toEqual(new Set(Array.from({ length: 128 }, (_, n) => n)))
  expect(newsBetween(start, append(counters, 128)).places).toBe('all')
  expect(newsBetween(counters, start).places).toBe('all')
})

it('groups-are-told-apart-from-partitions', () => {
  const before = decodeCounters(undefined)
  const after = withNews(before, new Set([placeNumber(7, 3)]), new Set([groupNumber('g', 7)]))
  expect(newsBetween(before, after)).toEqual({
    places: new Set([placeNumber(7, 3)]),
    groups: new Set([groupNumber('g', 7)]),
  })
  expect(groupNumber('g', 7)).not.toBe(groupNumber('g', 8))
  expect(placeNumber(1, 9_999)).toBeLessThan(placeNumber(2, 0))
  // In a leaf page of LMDB, whose nodes end at 2 KB.
  expect(encodeCounters(after).length * 8).toBeLessThan(1_900)
})
