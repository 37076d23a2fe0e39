import { expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { decodeGroup, encodeGroup } from '../../../../src/backends/embedded/group-code.ts'
import { newGroup, takeTurn, withMember, withoutMembers } from '../../../../src/backends/embedded/leases.ts'

function groupOf(members: readonly string[], partitions: number) {
  const options = { tick: 7, partitions, mayTake: true, isAlive: () => true }
  let doc = newGroup(randomUUID(), partitions)
  for (const id of members) doc = withMember(doc, id, { seen: 7, pid: 4_000_000, started: '123456789' })
  for (const id of members) doc = takeTurn(doc, id, options)?.doc ?? doc
  return doc
}

it('a-group-comes-back-as-it-was', () => {
  for (const members of [[], ['a'], ['a', 'b', 'c'], ['10', '2', 'x']]) {
    const doc = groupOf(members, 5)
    expect(decodeGroup(encodeGroup(doc))).toEqual(doc)
    const after = withoutMembers(doc, members.slice(0, 1))
    expect(decodeGroup(encodeGroup(after))).toEqual(after)
  }
})

it('a-group-of-64-partitions-stands-in-a-leaf-page', () => {
  // LMDB keeps what is larger in pages of its own.
  expect(encodeGroup(groupOf([randomUUID()], 64)).length).toBeLessThan(700)
  expect(encodeGroup(groupOf(Array.from({ length: 8 }, randomUUID), 64)).length).toBeLessThan(1_900)
})
