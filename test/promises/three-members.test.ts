import { describe, expect, it } from '@jest/globals'
import { tempDir } from '../kit/temp-dir.ts'
import { runThreeMembers } from './three-members.ts'

describe('promise: at least once, in order', () => {
  it('a-killed-member-loses-nothing-and-breaks-no-order', async () => {
    const { findings, kills, lag, handledBy } = await runThreeMembers({
      directory: tempDir(),
      records: 100_000,
      keys: 1_000,
      kills: 1,
    })
    expect(kills).toHaveLength(1)
    // All three took part, so the killed one held partitions under load.
    expect(handledBy).toBeGreaterThanOrEqual(3)
    expect({ ...findings, repeatedAfterKill: 0 }).toEqual({
      lost: [],
      disordered: [],
      repeatedWithoutCause: [],
      repeatedAfterKill: 0,
    })
    expect(lag).toBe(0)
  })
})
