import { describe, expect, it } from '@jest/globals'
import { callHandler } from '../../../src/core/attempt.ts'
import { type Clock, systemClock } from '../../../src/core/clock.ts'

function manualClock(): Clock & { readonly timers: { ms: number; run: () => void; cancelled: boolean }[] } {
  const timers: { ms: number; run: () => void; cancelled: boolean }[] = []
  return {
    ...systemClock,
    timers,
    after(ms, run) {
      const timer = { ms, run, cancelled: false }
      timers.push(timer)
      return () => void (timer.cancelled = true)
    },
  }
}

const gone = () => new AbortController().signal

describe('attempt', () => {
  it('a-handler-over-its-time-has-failed-and-its-late-result-does-not-count', async () => {
    const clock = manualClock()
    const late = Promise.withResolvers<void>()
    let seen: AbortSignal | undefined
    const handle = (_: string, signal: AbortSignal) => {
      seen = signal
      return late.promise
    }
    const running = callHandler({ clock, handlerTimeoutMs: 50, place: 'topic t, partition 3', handle }, 'm', gone())
    expect(clock.timers.map(({ ms }) => ms)).toEqual([50])
    clock.timers[0]?.run()
    await expect(running).rejects.toMatchObject({
      code: 'ERR_HANDLER_TIMEOUT',
      verdict: 'retry',
      message: expect.stringContaining('topic t, partition 3') as unknown,
    })
    expect(seen?.reason).toMatchObject({ code: 'ERR_HANDLER_TIMEOUT' })
    late.reject(new Error('too late'))
    await expect(running).rejects.toMatchObject({ code: 'ERR_HANDLER_TIMEOUT' })
  })

  it('a-handler-in-time-leaves-no-timer', async () => {
    const clock = manualClock()
    const parts = { clock, handlerTimeoutMs: 50, place: '' }
    await callHandler({ ...parts, handle: () => Promise.resolve() }, 'm', gone())
    await expect(
      callHandler({ ...parts, handle: () => Promise.reject(new Error('own')) }, 'm', gone()),
    ).rejects.toThrow('own')
    expect(callHandler({ ...parts, handle: () => undefined }, 'm', gone())).toBeUndefined()
    expect(clock.timers.map(({ cancelled }) => cancelled)).toEqual([true, true])
  })

  it('a-lost-partition-aborts-a-handler-that-has-a-time-limit', () => {
    const lost = new AbortController()
    let seen: AbortSignal | undefined
    void callHandler(
      {
        clock: manualClock(),
        handlerTimeoutMs: 50,
        place: '',
        handle: (_, signal) => {
          seen = signal
          return new Promise<void>(() => {})
        },
      },
      'm',
      lost.signal,
    )
    lost.abort('lost')
    expect(seen?.reason).toBe('lost')
  })
})
