import { describe, expect, it } from '@jest/globals'
import { createHandlers, createScriptedCore, outcomeOf } from './scripted-member.ts'

describe('revoking on a scripted broker', () => {
  it('a-revocation-amid-a-batch-finishes-what-runs-commits-it-and-begins-no-more', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a', 'b', 'c', 'd')
    const handlers = createHandlers()
    const subscription = await subscribe({ concurrency: 2 }, handlers.handle)
    expect(handlers.begun).toEqual(['a.1', 'b.1'])
    const revoked = outcomeOf(group.revoke([0]))
    await broker.clock.advance(1_000)
    expect([revoked(), subscription.status().partitions]).toEqual([
      undefined,
      [{ partition: 0, position: 0, inFlight: 4, draining: true }],
    ])
    // Out of order: the position waits for the older one.
    handlers.finish('b')
    await broker.clock.advance(1_000)
    expect([revoked(), group.positions]).toEqual([undefined, [0]])
    handlers.finish('a')
    await broker.clock.advance(0)
    expect([revoked(), group.positions, handlers.begun]).toEqual(['ok', [2], ['a.1', 'b.1']])
    expect(handlers.signal('a')?.aborted).toBe(false)
    expect(subscription.status()).toEqual({ state: 'RUNNING', partitions: [] })
    group.assign()
    await broker.clock.settle()
    expect(handlers.begun).toEqual(['a.1', 'b.1', 'c.1', 'd.1'])
  })

  it('a-partition-lost-amid-its-revocation-and-given-back-is-read-on', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a', 'b', 'c')
    const handlers = createHandlers()
    await subscribe({}, handlers.handle)
    const release = broker.hold('commit')
    handlers.finish('a')
    await broker.clock.advance(1_000)
    const revoked = outcomeOf(group.revoke([0]))
    handlers.finish('b')
    await broker.clock.advance(1_000)
    // Everything is handled; the revocation waits for the commit, and the session ends before its answer comes.
    expect([revoked(), handlers.begun]).toEqual([undefined, ['a.1', 'b.1']])
    group.lose([0])
    group.assign()
    await broker.clock.settle()
    release()
    await broker.clock.advance(1_000)
    expect(revoked()).toBe('ok')
    for (const value of ['a', 'b', 'c']) {
      handlers.finish(value)
      await broker.clock.advance(1_000)
    }
    expect(handlers.begun.slice(2)).toEqual(['a.1', 'b.1', 'c.1'])
    expect(group.positions).toEqual([3])
  })

  it('a-handler-that-never-settles-holds-a-revocation-up-to-the-drain-deadline-and-no-longer', async () => {
    const { broker, group, append, subscribe, logged } = await createScriptedCore()
    append(0, 'a', 'stuck', 'c')
    const handlers = createHandlers()
    await subscribe({ concurrency: 3, drainTimeoutMs: 7_000 }, handlers.handle)
    handlers.finish('a')
    handlers.finish('c')
    const revoked = outcomeOf(group.revoke([0]))
    await broker.clock.advance(6_999)
    expect([revoked(), handlers.signal('stuck')?.aborted]).toEqual([undefined, false])
    await broker.clock.advance(1)
    expect([revoked(), group.positions]).toEqual(['ok', [1]])
    expect(handlers.signal('stuck')?.reason).toMatchObject({ code: 'ERR_REVOKED' })
    expect(logged.filter((line) => line.includes('did not finish in time'))).toHaveLength(1)
    // Too late: whatever it still comes to is nobody's.
    handlers.finish('stuck')
    await broker.clock.advance(60_000)
    expect(group.positions).toEqual([1])
  })

  it('stop-past-the-drain-deadline-says-so-and-the-record-comes-again', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'stuck')
    const handlers = createHandlers()
    const subscription = await subscribe({ drainTimeoutMs: 500 }, handlers.handle)
    const stopped = outcomeOf(subscription.stop())
    await broker.clock.advance(499)
    expect([stopped(), subscription.status().state]).toEqual([undefined, 'DRAINING'])
    await broker.clock.advance(1)
    expect([stopped(), subscription.status().state, group.positions]).toEqual(['ERR_DRAIN_DEADLINE', 'STOPPED', [0]])
    await subscription.done
    const again: string[] = []
    await subscribe({}, ({ value }) => void again.push(value))
    expect(again).toEqual(['stuck'])
  })

  it('a-record-that-waits-for-its-retry-does-not-hold-a-revocation-up', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a', 'b')
    const handlers = createHandlers()
    await subscribe({ concurrency: 2, retry: { minDelayMs: 60_000, maxDelayMs: 60_000 } }, handlers.handle)
    handlers.fail('a')
    handlers.finish('b')
    await broker.clock.settle()
    const revoked = outcomeOf(group.revoke([0]))
    await broker.clock.advance(0)
    expect([revoked(), group.positions, broker.clock.due()]).toEqual(['ok', [0], []])
    await broker.clock.advance(300_000)
    expect(handlers.begun).toEqual(['a.1', 'b.1'])
  })

  it('what-was-committed-ahead-is-handled-before-a-revocation-ends-unless-it-waits-for-a-retry', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a', 'b', 'c')
    const handlers = createHandlers()
    const retry = { minDelayMs: 60_000, maxDelayMs: 60_000 }
    await subscribe({ delivery: 'at-most-once', concurrency: 2, retry }, handlers.handle)
    handlers.fail('a')
    await broker.clock.settle()
    const revoked = outcomeOf(group.revoke([0]))
    await broker.clock.advance(1_000)
    expect([revoked(), group.positions]).toEqual([undefined, [2]])
    handlers.finish('b')
    await broker.clock.advance(0)
    expect([revoked(), group.positions, handlers.begun]).toEqual(['ok', [2], ['a.1', 'b.1']])
  })

  it('a-record-that-fails-during-a-revocation-is-not-tried-again-here', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'a')
    const handlers = createHandlers()
    await subscribe({ retry: { minDelayMs: 1 } }, handlers.handle)
    const revoked = outcomeOf(group.revoke([0]))
    handlers.fail('a')
    await broker.clock.advance(1_000)
    expect([revoked(), group.positions, handlers.begun, letters()]).toEqual(['ok', [0], ['a.1'], []])
  })

  it('a-partition-lost-during-a-retry-delay-is-left-at-once', async () => {
    const { broker, group, append, subscribe, calls } = await createScriptedCore()
    append(0, 'a', 'b')
    const handlers = createHandlers()
    const subscription = await subscribe(
      { concurrency: 2, retry: { minDelayMs: 1_000, maxDelayMs: 1_000 } },
      handlers.handle,
    )
    handlers.fail('a')
    await broker.clock.settle()
    group.lose([0])
    // At the first turn of the event loop, and without any time.
    expect(handlers.signal('b')?.reason).toMatchObject({ code: 'ERR_REVOKED' })
    handlers.finish('b')
    await broker.clock.advance(600_000)
    expect([handlers.begun, calls('commit'), broker.clock.due()]).toEqual([['a.1', 'b.1'], [], []])
    expect(subscription.status()).toEqual({ state: 'RUNNING', partitions: [] })
  })

  it('a-partition-revoked-while-another-runs-does-not-disturb-it', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore({ partitions: 2 })
    append(0, 'a')
    append(1, 'b')
    const handlers = createHandlers()
    await subscribe({ concurrency: 1 }, handlers.handle)
    const [first = ''] = handlers.begun
    const revoked = outcomeOf(group.revoke([first.startsWith('a') ? 0 : 1]))
    handlers.finish(first.slice(0, 1))
    await broker.clock.advance(1_000)
    expect([revoked(), handlers.begun.length]).toEqual(['ok', 2])
    append(0, 'c')
    append(1, 'd')
    handlers.finish(handlers.begun[1]?.slice(0, 1) ?? '')
    await broker.clock.advance(1_000)
    expect(handlers.begun).toHaveLength(3)
    expect(group.positions).toEqual([1, 1])
  })

  it('a-feed-that-fails-fails-the-subscription-and-its-handlers', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a')
    const handlers = createHandlers()
    const subscription = await subscribe({}, handlers.handle)
    const done = outcomeOf(subscription.done)
    group.fail(
      Object.assign(new Error('gone'), { name: 'DrawbridgeError', code: 'ERR_TOPIC_UNKNOWN', verdict: 'refuse' }),
    )
    await broker.clock.settle()
    expect([done(), subscription.status().state]).toEqual(['ERR_TOPIC_UNKNOWN', 'FAILED'])
    expect(handlers.signal('a')?.aborted).toBe(true)
  })
})
