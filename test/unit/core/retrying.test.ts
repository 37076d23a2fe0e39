import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { createHandlers, createScriptedCore } from './scripted-member.ts'

describe('retrying on a scripted broker', () => {
  // Half of the random half: each delay is three quarters of its ceiling.
  beforeEach(() => void jest.spyOn(Math, 'random').mockReturnValue(0.5))
  afterEach(() => void jest.restoreAllMocks())

  /** Times of the attempts at `a`, all of which fail, and the clock's time when its letter was written. */
  async function attemptsOf(retry: object, error: (attempt: number) => unknown, forMs = 1_000_000) {
    const { broker, append, subscribe, letters, group } = await createScriptedCore()
    append(0, 'a')
    const times: number[] = []
    await subscribe({ retry }, ({ attempt }) => {
      times.push(broker.clock.elapsed())
      throw error(attempt)
    })
    await broker.clock.advance(forMs)
    return { times, letters: letters(), positions: group.positions }
  }

  it('attempts-are-made-at-doubling-delays-up-to-the-last-one', async () => {
    expect(await attemptsOf({}, () => new Error('no'))).toEqual({
      times: [0, 150, 450, 1_050, 2_250],
      letters: ['a'],
      positions: [1],
    })
    const { times } = await attemptsOf({ attempts: 6, minDelayMs: 100, maxDelayMs: 300 }, () => new Error('no'))
    expect(times).toEqual([0, 75, 225, 450, 675, 900])
  })

  it('no-attempt-begins-later-than-maxRetryMs-after-the-first', async () => {
    const retry = { attempts: 100, minDelayMs: 400, maxDelayMs: 400 }
    expect((await attemptsOf({ ...retry, maxRetryMs: 900 }, () => new Error('no'))).times).toEqual([0, 300, 600, 900])
    expect((await attemptsOf({ ...retry, maxRetryMs: 899 }, () => new Error('no'))).times).toEqual([0, 300, 600])
    expect(await attemptsOf({ ...retry, maxRetryMs: 0 }, () => new Error('no'))).toMatchObject({
      times: [0],
      letters: ['a'],
    })
  })

  it('an-error-that-asks-for-patience-gets-it-exactly', async () => {
    const busy = (attempt: number) =>
      new DrawbridgeError('ERR_ENDPOINT', 'busy', { details: { retryAfterMs: attempt * 10_000 } })
    expect((await attemptsOf({ attempts: 3 }, busy)).times).toEqual([0, 10_000, 30_000])
    // Patience beyond the limit is no further attempt.
    expect(await attemptsOf({ attempts: 9, maxRetryMs: 25_000 }, busy)).toMatchObject({
      times: [0, 10_000],
      letters: ['a'],
    })
  })

  it('a-rejected-record-is-tried-once-and-a-stop-ends-everything', async () => {
    const rejected = await attemptsOf({}, () => new DrawbridgeError('ERR_REJECTED', 'not wanted'))
    expect(rejected).toEqual({ times: [0], letters: ['a'], positions: [1] })
    const { broker, append, subscribe, letters, group } = await createScriptedCore()
    append(0, 'a', 'b')
    const handlers = createHandlers()
    const subscription = await subscribe({ concurrency: 2 }, handlers.handle)
    handlers.finish('b')
    handlers.fail('a', new DrawbridgeError('ERR_ENDPOINT_GONE', 'for good'))
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_ENDPOINT_GONE' })
    await broker.clock.advance(600_000)
    expect([handlers.begun, letters(), group.positions]).toEqual([['a.1', 'b.1'], [], [0]])
  })

  it('a-retrying-key-waits-alone-and-in-order', async () => {
    const { broker, append, subscribe, group } = await createScriptedCore()
    append(0, 'k', 'x', 'k', 'y')
    const seen: string[] = []
    await subscribe({ retry: { attempts: 3, minDelayMs: 1_000, maxDelayMs: 1_000 } }, ({ value, offset, attempt }) => {
      seen.push(`${value}${offset}.${attempt} at ${broker.clock.elapsed()}`)
      if (offset === 0 && attempt < 3) throw new Error('not yet')
    })
    await broker.clock.advance(749)
    expect(seen).toEqual(['k0.1 at 0', 'x1.1 at 0', 'y3.1 at 0'])
    expect(group.positions).toEqual([0])
    await broker.clock.advance(10_000)
    expect(seen.slice(3)).toEqual(['k0.2 at 750', 'k0.3 at 1500', 'k2.1 at 1500'])
    expect(group.positions).toEqual([4])
  })

  it('the-window-blocks-visibly-behind-a-retry-and-opens-after-it', async () => {
    const { broker, append, subscribe } = await createScriptedCore({ partitions: 2 })
    append(0, 'k', 'a', 'b', 'c')
    append(1, 'other')
    const seen: string[] = []
    const subscription = await subscribe(
      { maxInFlight: 3, retry: { attempts: 2, minDelayMs: 1_000, maxDelayMs: 1_000 } },
      ({ value, attempt }) => {
        seen.push(value)
        if (value === 'k' && attempt === 1) throw new Error('not yet')
      },
    )
    await broker.clock.advance(749)
    expect(seen.toSorted()).toEqual(['a', 'b', 'k', 'other'])
    const { state, partitions } = subscription.status()
    expect([state, partitions[0], partitions[1]?.blockedBy]).toEqual([
      'BLOCKED',
      {
        partition: 0,
        position: 0,
        inFlight: 3,
        draining: false,
        blockedBy: { offset: 0, key: Buffer.from('k'), attempt: 1 },
      },
      undefined,
    ])
    await broker.clock.advance(1)
    expect([seen.slice(4), subscription.status().state]).toEqual([['k', 'c'], 'RUNNING'])
  })

  it('a-record-whose-next-attempt-runs-blocks-nobody-for-all-to-see', async () => {
    const { broker, append, subscribe } = await createScriptedCore()
    append(0, 'k')
    const handlers = createHandlers()
    const subscription = await subscribe({ maxInFlight: 1, retry: { minDelayMs: 400 } }, handlers.handle)
    handlers.fail('k')
    await broker.clock.advance(299)
    expect(subscription.status().state).toBe('BLOCKED')
    await broker.clock.advance(1)
    expect([handlers.begun, subscription.status().state]).toEqual([['k.1', 'k.2'], 'RUNNING'])
  })

  it('an-attempt-over-its-time-has-failed-at-that-time', async () => {
    const { broker, append, subscribe, letters, group } = await createScriptedCore()
    append(0, 'stuck', 'b')
    const handlers = createHandlers()
    await subscribe({ handlerTimeoutMs: 5_000, retry: { attempts: 2, minDelayMs: 400 } }, handlers.handle)
    await broker.clock.advance(4_999)
    const first = handlers.signal('stuck')
    expect(first?.aborted).toBe(false)
    await broker.clock.advance(1)
    expect(first?.reason).toMatchObject({ code: 'ERR_HANDLER_TIMEOUT' })
    await broker.clock.advance(299)
    // While it waits, another key has the slot.
    expect(handlers.begun).toEqual(['stuck.1', 'b.1'])
    handlers.finish('b')
    await broker.clock.advance(1)
    expect(handlers.begun).toEqual(['stuck.1', 'b.1', 'stuck.2'])
    await broker.clock.advance(5_000)
    expect([letters(), handlers.signal('stuck')?.aborted]).toEqual([['stuck'], true])
    await broker.clock.advance(1_000)
    expect([group.positions, broker.clock.due()]).toEqual([[2], []])
  })
})
