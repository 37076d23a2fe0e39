import { describe, expect, it } from '@jest/globals'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { createHandlers, createScriptedCore, outcomeOf } from './scripted-member.ts'

const retriable = new DrawbridgeError('ERR_BROKER_UNREACHABLE', 'no answer', { details: { outcome: 'unknown' } })
const fenced = new DrawbridgeError('ERR_FENCED', 'somebody else has it')

describe('committing on a scripted broker', () => {
  it('a-failed-commit-is-made-again-and-nothing-is-handled-twice', async () => {
    const { broker, group, append, subscribe, calls, logged } = await createScriptedCore()
    append(0, 'a', 'b')
    const seen: string[] = []
    broker.fail('commit', retriable, 3)
    await subscribe({}, ({ value }) => void seen.push(value))
    await broker.clock.advance(5_000)
    expect([seen, group.positions]).toEqual([['a', 'b'], [2]])
    expect(calls('commit').at(-1)).toBe('commit t 0 2')
    expect(calls('commit').length).toBeGreaterThanOrEqual(4)
    expect(logged.filter((line) => line.includes('position not committed'))).toHaveLength(3)
  })

  it('a-commit-under-way-is-not-overtaken-by-another', async () => {
    const { broker, group, append, subscribe, calls } = await createScriptedCore()
    append(0, 'a')
    const release = broker.hold('commit')
    await subscribe({}, () => undefined)
    await broker.clock.advance(1_000)
    append(0, 'b', 'c')
    await broker.clock.advance(1_000)
    expect([calls('commit'), group.positions]).toEqual([['commit t 0 1'], [0]])
    release()
    await broker.clock.advance(1_000)
    expect([calls('commit'), group.positions]).toEqual([['commit t 0 1', 'commit t 0 3'], [3]])
  })

  it('a-fenced-commit-ends-the-partition-here-and-no-result-counts-any-more', async () => {
    const { broker, group, append, subscribe, calls } = await createScriptedCore({ partitions: 2 })
    const handlers = createHandlers()
    append(0, 'a', 'b')
    append(1, 'other')
    const subscription = await subscribe({ concurrency: 3 }, handlers.handle)
    expect(handlers.begun.toSorted()).toEqual(['a.1', 'b.1', 'other.1'])
    broker.fail('commit t 0', fenced)
    handlers.finish('a')
    await broker.clock.advance(1_000)
    expect(handlers.signal('b')?.reason).toMatchObject({ code: 'ERR_REVOKED' })
    handlers.finish('b')
    await broker.clock.advance(10_000)
    append(0, 'c')
    await broker.clock.advance(10_000)
    // One commit was tried and none after it; no later record begins.
    expect([calls('commit t 0'), group.positions[0]]).toEqual([['commit t 0 1'], 0])
    expect(handlers.begun.toSorted()).toEqual(['a.1', 'b.1', 'other.1'])
    // The other partition is none of its business, and the subscription lives.
    handlers.finish('other')
    await broker.clock.advance(1_000)
    expect([group.positions[1], subscription.status().state]).toEqual([1, 'RUNNING'])
    // Once the broker tells of the loss and gives it back, its records come again.
    group.lose([0])
    group.assign()
    await broker.clock.settle()
    expect(handlers.begun.slice(3).toSorted()).toEqual(['a.1', 'b.1', 'c.1'])
  })

  it('a-pull-that-fails-for-good-fails-the-subscription-and-commits-what-is-finished', async () => {
    const { broker, group, append, subscribe, core } = await createScriptedCore()
    append(0, 'a')
    const broken = new DrawbridgeError('ERR_STORE_FAILED', 'the disk is broken')
    const handlers = createHandlers()
    const subscription = await subscribe({ concurrency: 2 }, handlers.handle)
    const done = outcomeOf(subscription.done)
    broker.fail('pull', broken)
    append(0, 'b')
    await broker.clock.settle()
    expect(subscription.status().state).toBe('FAILED')
    // It leaves in two steps like anybody else: what runs may finish.
    handlers.finish('a')
    handlers.finish('b')
    await broker.clock.advance(1_000)
    expect([done(), group.positions, group.describe().members]).toEqual(['ERR_STORE_FAILED', [2], []])
    await core.close()
  })

  it('a-pull-that-is-refused-because-the-partition-is-going-is-no-failure', async () => {
    for (const error of [fenced, new DrawbridgeError('ERR_CLOSED', 'closed')]) {
      const { broker, append, subscribe } = await createScriptedCore()
      const subscription = await subscribe({}, () => undefined)
      broker.fail('pull', error)
      append(0, 'a')
      await broker.clock.advance(1_000)
      expect(subscription.status().state).toBe('RUNNING')
      await subscription.stop()
    }
  })

  it('at-most-once-begins-no-handler-before-its-commit-and-never-twice', async () => {
    const { broker, group, append, subscribe, calls, logged } = await createScriptedCore()
    append(0, 'a', 'b', 'c')
    broker.fail('commit', retriable, 2)
    const handlers = createHandlers()
    const subscription = await subscribe({ delivery: 'at-most-once', concurrency: 2 }, handlers.handle)
    expect([handlers.begun, group.positions]).toEqual([[], [0]])
    await broker.clock.advance(1_000)
    // As many records as handlers may run, committed in one.
    expect([handlers.begun, group.positions]).toEqual([['a.1', 'b.1'], [2]])
    expect(calls('commit')).toEqual(['commit t 0 2', 'commit t 0 2', 'commit t 0 2'])
    expect(logged.filter((line) => line.includes('not committed ahead'))).toHaveLength(2)
    handlers.finish('a')
    await broker.clock.advance(1_000)
    expect([handlers.begun, group.positions]).toEqual([['a.1', 'b.1', 'c.1'], [3]])
    handlers.finish('b')
    handlers.finish('c')
    await subscription.stop()
    expect(calls('commit')).toHaveLength(4)
  })

  it('at-most-once-whose-commit-ahead-fails-for-good-handles-nothing', async () => {
    const { broker, append, subscribe } = await createScriptedCore()
    append(0, 'a')
    broker.fail('commit', new DrawbridgeError('ERR_STORE_FAILED', 'broken'))
    const handlers = createHandlers()
    const subscription = await subscribe({ delivery: 'at-most-once' }, handlers.handle)
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
    expect(handlers.begun).toEqual([])
  })

  it('at-most-once-fenced-while-it-commits-ahead-handles-nothing-here', async () => {
    const { broker, group, append, subscribe } = await createScriptedCore()
    append(0, 'a')
    const release = broker.hold('commit')
    const handlers = createHandlers()
    const subscription = await subscribe({ delivery: 'at-most-once' }, handlers.handle)
    group.lose([0])
    release()
    await broker.clock.advance(60_000)
    expect([handlers.begun, group.positions, subscription.status().state]).toEqual([[], [0], 'RUNNING'])
  })
})
