import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { DEFAULT_RETRY, mayRetry, retryDelayMs } from '../../../src/core/retry.ts'

describe('retry', () => {
  it('doubles up to its ceiling, at least half of it fixed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (failed, random) => {
          const ceiling = Math.min(DEFAULT_RETRY.maxDelayMs, DEFAULT_RETRY.minDelayMs * 2 ** (failed - 1))
          const delay = retryDelayMs(DEFAULT_RETRY, failed, new Error('x'), random)
          expect(delay).toBeGreaterThanOrEqual(ceiling / 2)
          expect(delay).toBeLessThanOrEqual(ceiling)
        },
      ),
    )
  })

  it('never waits less than the outside asked for', () => {
    const error = new DrawbridgeError('ERR_ENDPOINT', 'busy', { details: { retryAfterMs: 7_000 } })
    expect(retryDelayMs(DEFAULT_RETRY, 1, error, 0.5)).toBe(7_000)
  })

  it('ends by attempts and by time', () => {
    const policy = { ...DEFAULT_RETRY, attempts: 3, maxRetryMs: 1_000 }
    expect(mayRetry(policy, 2, 0, 100)).toBe(true)
    expect(mayRetry(policy, 3, 0, 100)).toBe(false)
    expect(mayRetry(policy, 1, 950, 100)).toBe(false)
  })
})
