import { describe, expect, it } from '@jest/globals'
import { type Effect, judgeEffects } from '../../kit/effects.ts'

const effect = (at: number, pid: number, key: string, count: number): Effect => ({
  at: BigInt(at),
  pid,
  partition: 0,
  offset: count,
  key,
  count,
})
const clean = { lost: [], disordered: [], repeatedWithoutCause: [], repeatedAfterKill: 0 }

describe('judge of effects', () => {
  it('finds nothing in a clean run', () => {
    expect(judgeEffects([effect(1, 1, 'key-0', 0), effect(2, 2, 'key-1', 0)], { records: 2, keys: 2 }, [])).toEqual(
      clean,
    )
  })

  it('finds a lost record', () => {
    expect(judgeEffects([effect(1, 1, 'key-0', 0)], { records: 2, keys: 2 }, []).lost).toEqual(['key-1#0'])
  })

  it('finds a key whose order is broken', () => {
    const effects = [effect(1, 1, 'key-0', 1), effect(2, 1, 'key-0', 0)]
    expect(judgeEffects(effects, { records: 2, keys: 1 }, []).disordered).toEqual(['key-0#0'])
  })

  it('excuses a repeat only by a kill of the first handler between the two', () => {
    const effects = [effect(1, 7, 'key-0', 0), effect(5, 8, 'key-0', 0)]
    const sent = { records: 1, keys: 1 }
    expect(judgeEffects(effects, sent, [{ pid: 7, at: 3n }])).toEqual({ ...clean, repeatedAfterKill: 1 })
    expect(judgeEffects(effects, sent, []).repeatedWithoutCause).toEqual(['key-0#0'])
    expect(judgeEffects(effects, sent, [{ pid: 8, at: 3n }]).repeatedWithoutCause).toEqual(['key-0#0'])
    expect(judgeEffects(effects, sent, [{ pid: 7, at: 9n }]).repeatedWithoutCause).toEqual(['key-0#0'])
  })
})
