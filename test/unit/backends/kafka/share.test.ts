import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type MemberView,
  sharePartitions,
} from '../../../../src/backends/kafka/share.ts'

function member(id: string, owned: readonly number[] = [], generation = 1): MemberView {
  return { id, topics: ['t'], owned: new Map([['t', owned]]), generation }
}

function round(members: readonly MemberView[], count: number): Record<string, readonly number[]> {
  const shares = sharePartitions(members, new Map([['t', count]]))
  return Object.fromEntries(members.map(({ id }) => [id, shares.get(id)?.get('t') ?? []]))
}

test('a-newcomer-waits-until-the-owner-has-let-go', () => {
  const first = round([member('a', [0, 1, 2, 3]), member('b')], 4)
  expect(first).toEqual({ a: [0, 1], b: [] })
  expect(round([member('a', first['a'] ?? []), member('b')], 4)).toEqual({ a: [0, 1], b: [2, 3] })
})

test('who-claims-by-an-older-generation-owns-nothing', () => {
  expect(round([member('paused', [0, 1], 1), member('owner', [0, 1], 5)], 2)).toEqual({ paused: [], owner: [0] })
  // Nobody can tell who is right, so both let go.
  expect(round([member('a', [0]), member('b', [0])], 1)).toEqual({ a: [0], b: [] })
})

test('shares-settle-are-even-and-stay-as-they-are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 20 }), fc.nat(5), (size, count, gone) => {
      let members = Array.from({ length: size }, (_, n) => member(`m${n}`))
      const settle = () => {
        for (let n = 0; n < 3; n++) {
          const shares = round(members, count)
          const given = Object.values(shares).flat()
          expect(new Set(given).size).toBe(given.length)
          members = members.map(({ id }) => member(id, shares[id] ?? []))
        }
        return members.map(({ owned }) => owned.get('t') ?? [])
      }
      for (const each of [settle, settle]) {
        const sizes = each().map(({ length }) => length)
        expect(sizes.reduce((sum, n) => sum + n, 0)).toBe(count)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }
      const settled = JSON.stringify(settle())
      expect(JSON.stringify(settle())).toBe(settled)
      if (members.length > 1) members = members.filter((_, n) => n !== gone % size)
      expect(settle().flat().length).toBe(count)
    }),
  )
})

test('subscriptions-and-assignments-are-read-as-written', () => {
  const view = decodeSubscription('m', encodeSubscription('t', [1, 5], 9))
  expect(view).toEqual({ id: 'm', topics: ['t'], owned: new Map([['t', [1, 5]]]), generation: 9 })
  const share = new Map([
    ['t', [1, 2]],
    ['u', [7]],
  ])
  expect(decodeAssignment(encodeAssignment(share), 't')).toEqual([1, 2])
  expect(decodeAssignment(Buffer.alloc(0), 't')).toEqual([])
})
