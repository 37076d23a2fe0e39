import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { GroupDoc } from '../../../../src/backends/embedded/leases.ts'
import {
  SESSION_TICKS,
  TICK_MS,
  advanceTick,
  heldBy,
  newGroup,
  takeTurn,
  withMember,
  withReleased,
  withoutMembers,
} from '../../../../src/backends/embedded/leases.ts'

const PARTITIONS = 7
const isAlive = (): boolean => true

function join(doc: GroupDoc, id: string, tick = 0): GroupDoc {
  return withMember(doc, id, { seen: tick, pid: id.charCodeAt(0), started: '' })
}

function turn(doc: GroupDoc, id: string, tick = 0): ReturnType<typeof takeTurn> {
  return takeTurn(doc, id, { tick, partitions: PARTITIONS, mayTake: true, isAlive })
}

/** Every member takes turns, giving up at once what it is asked for, until a round changes nothing. */
function settle(start: GroupDoc, tick = 0): GroupDoc {
  let doc = start
  for (let round = 0; round < 50; round += 1) {
    let moved = false
    for (const id of Object.keys(doc.members)) {
      const result = turn(doc, id, tick)
      if (result === null) throw new Error(`${id} is gone`)
      moved ||= result.taken.length > 0 || result.surplus.length > 0
      doc = withReleased(result.doc, id, result.surplus)
    }
    if (!moved) return doc
  }
  throw new Error('the group did not settle in 50 rounds')
}

const memberIds = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), { minLength: 1 })

describe('leases', () => {
  it('any-joins-and-leaves-settle-in-fair-shares-of-all-partitions', () => {
    fc.assert(
      fc.property(memberIds, memberIds, fc.context(), (first, second, context) => {
        let doc = settle(first.reduce((doc, id) => join(doc, id), newGroup('i', PARTITIONS)))
        doc = withoutMembers(
          doc,
          second.filter((id) => first.includes(id)),
        )
        doc = second.filter((id) => !first.includes(id)).reduce((doc, id) => join(doc, id), doc)
        doc = settle(doc)
        const members = Object.keys(doc.members)
        if (members.length === 0) return
        const shares = members.map((id) => heldBy(doc, id).length)
        context.log(shares.join(' '))
        expect(shares.reduce((sum, share) => sum + share)).toBe(PARTITIONS)
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('a-settled-group-stays-settled', () => {
    const doc = settle(['c', 'a', 'b'].reduce((doc, id) => join(doc, id), newGroup('i', PARTITIONS)))
    expect(settle(doc, 1).leases).toEqual(doc.leases)
  })

  it('nothing-is-taken-from-a-holder-that-has-not-released', () => {
    const alone = settle(join(newGroup('i', PARTITIONS), 'a'))
    const joined = turn(join(alone, 'b'), 'b')
    expect(joined).toMatchObject({ taken: [], wanting: true })
    expect(turn(join(alone, 'b'), 'a')).toMatchObject({ surplus: [4, 5, 6] })
  })

  it('every-taking-has-a-new-epoch', () => {
    const first = settle(join(newGroup('i', PARTITIONS), 'a'))
    const second = settle(join(withoutMembers(first, ['a']), 'b'))
    expect(second.leases.map(({ epoch }) => epoch)).toEqual(first.leases.map(({ epoch }) => epoch + 1))
  })

  it('a-silent-member-is-expired-after-its-session-of-ticks-and-not-before', () => {
    const doc = settle(join(join(newGroup('i', PARTITIONS), 'a'), 'b'))
    expect(turn(doc, 'b', SESSION_TICKS)?.expired).toEqual([])
    const result = turn(doc, 'b', SESSION_TICKS + 1)
    expect(result).toMatchObject({ expired: ['a'] })
    expect(result && heldBy(result.doc, 'b')).toHaveLength(PARTITIONS)
    expect(result && turn(result.doc, 'a', SESSION_TICKS + 1)).toBeNull()
  })

  it('a-dead-process-is-expired-at-once', () => {
    const doc = settle(join(join(newGroup('i', PARTITIONS), 'a'), 'b'))
    const options = { tick: 0, partitions: PARTITIONS, mayTake: true, isAlive: () => false }
    expect(takeTurn(doc, 'b', options)?.expired).toEqual(['a'])
  })

  it('the-tick-moves-at-most-once-an-interval-and-survives-a-reboot', () => {
    const tick = { count: 5, at: 1_000 }
    expect(advanceTick(tick, 1_000 + TICK_MS - 1)).toBe(tick)
    expect(advanceTick(tick, 1_000 + 60_000)).toEqual({ count: 6, at: 61_000 })
    expect(advanceTick(tick, 3)).toEqual({ count: 6, at: 3 })
  })
})
