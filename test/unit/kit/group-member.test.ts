import { describe, expect, it } from '@jest/globals'
import type { Backend, FeedOptions } from '../../../src/core/backend.ts'
import type { StoredRecord } from '../../../src/core/record.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'

const stored = (offset: number): StoredRecord => ({
  offset,
  key: null,
  value: Buffer.from(`${offset}`),
  headers: [],
  timestamp: 0,
  appendedAt: 0,
})

/** A driver that hands out these batches, and tells its holder whatever the test wants it to. */
async function member(...batches: readonly (readonly number[])[]) {
  const told = Promise.withResolvers<FeedOptions>()
  const left = batches.map((offsets) => offsets.map(stored))
  const openFeed: Backend['openFeed'] = (options) => {
    told.resolve(options)
    return Promise.resolve({
      memberId: 'm',
      pull: () => Promise.resolve(left.shift() ?? []),
      commit: () => Promise.resolve(),
      isStale: () => false,
      close: () => Promise.resolve(),
    })
  }
  const joined = await joinGroup({ openFeed } as unknown as Backend, { group: 'g', topic: 't' })
  return { joined, options: await told.promise }
}

describe('judge of what a member is told', () => {
  it('finds nothing where the contract is kept', async () => {
    const { joined, options } = await member([3, 5], [6])
    options.onAssign({ partition: 0, position: 3 })
    await eventually(() => joined.drained.length === 1, { what: 'everything is pulled' })
    await options.onRevoke([0])
    options.onAssign({ partition: 0, position: 7 })
    options.onLost([0])
    expect(joined.values()).toEqual(['3', '5', '6'])
    expect([joined.breaches, joined.held(), joined.revoked, joined.lost]).toEqual([[], [], [0], [0]])
  })

  it('finds a partition assigned twice', async () => {
    const { joined, options } = await member()
    options.onAssign({ partition: 0, position: 0 })
    options.onAssign({ partition: 0, position: 0 })
    expect(joined.breaches).toEqual(['partition 0 was assigned twice'])
  })

  it('finds a partition taken that was not held', async () => {
    const { joined, options } = await member()
    options.onLost([1])
    await options.onRevoke([2])
    expect(joined.breaches).toEqual([
      'partition 1 was lost without being held',
      'partition 2 was revoked without being held',
    ])
  })

  it('finds records below the position, repeated or out of order', async () => {
    for (const batches of [[[1]], [[2], [2]], [[4, 3]]]) {
      const { joined, options } = await member(...batches)
      options.onAssign({ partition: 0, position: 2 })
      await eventually(() => joined.drained.length === 1, { what: 'everything is pulled' })
      expect(joined.breaches).toHaveLength(1)
    }
  })

  it('finds assignments that overlap a revocation', async () => {
    const { joined, options } = await member()
    options.onAssign({ partition: 0, position: 0 })
    const revoking = options.onRevoke([0])
    options.onAssign({ partition: 0, position: 0 })
    await revoking
    expect(joined.breaches).toEqual(['partition 0 was assigned twice'])
  })
})
