import { describe, expect, it } from '@jest/globals'
import { verdictText } from '../kit/judge-run.ts'
import { createRandom } from '../kit/random.ts'
import { report, soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { runKills } from './kills.ts'

const SCALE = soakScale('kills', {
  short: { kills: 20, perSecond: 500, keys: 50, timeoutMs: 600_000 },
  full: { kills: 1_000, perSecond: 300, keys: 200, timeoutMs: 3 * 3_600_000 },
})

describe('promise: acknowledged is durable, at least once, in order', () => {
  it(
    'acknowledged-survives-sigkill',
    async () => {
      const random = createRandom()
      report(`kills: begins with seed ${random.seed}`)
      const result = await runKills({
        directory: tempDir(),
        random,
        kills: SCALE.kills,
        perSecond: SCALE.perSecond,
        keys: SCALE.keys,
      })
      const { findings, counts, atEffect, anywhere, producers, lag, handledBy } = result
      report(
        `kills: ${atEffect} members died between effect and commit, ${anywhere} at any moment, ${producers} producers at any moment; ` +
          `${handledBy} members took part; ${verdictText(result)}; seed ${random.seed}`,
      )
      expect(findings).toEqual([])
      expect(atEffect + anywhere).toBe(SCALE.kills)
      // Every one of them died under load: a kill of an idle process proves nothing.
      expect(handledBy).toBe(SCALE.kills + 3)
      expect(counts.excused).toBeGreaterThan(0)
      expect(lag).toBe(0)
    },
    SCALE.timeoutMs,
  )
})
