import { describe, expect, it } from '@jest/globals'
import { soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { runThreeMembers } from './three-members.ts'

const SCALE = soakScale('three-members', {
  short: { records: 100_000, keys: 1_000, kills: 1 },
  full: { records: 2_000_000, keys: 1_000, kills: 50 },
})

describe('promise: at least once, in order', () => {
  it('a-killed-member-loses-nothing-and-breaks-no-order', async () => {
    const { findings, kills, lag, handledBy } = await runThreeMembers({
      directory: tempDir(),
      ...SCALE,
    })
    expect(kills).toHaveLength(SCALE.kills)
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
