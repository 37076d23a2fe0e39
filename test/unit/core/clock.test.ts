import { expect, jest, test } from '@jest/globals'
import { systemClock } from '../../../src/core/clock.ts'

test('a-delay-longer-than-a-timer-of-node-takes-its-time', () => {
  jest.useFakeTimers()
  try {
    const thirtyDaysMs = 30 * 86_400_000
    const runs: string[] = []
    systemClock.after(thirtyDaysMs, () => runs.push('ran'))
    const cancel = systemClock.after(thirtyDaysMs, () => runs.push('was cancelled'))
    jest.advanceTimersByTime(thirtyDaysMs - 1)
    expect(runs).toEqual([])
    cancel()
    jest.advanceTimersByTime(1)
    expect(runs).toEqual(['ran'])
  } finally {
    jest.useRealTimers()
  }
})
