import { describe, expect, it } from '@jest/globals'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { createScriptedCore, LETTERS, outcomeOf } from './scripted-member.ts'

const ONCE = { retry: { attempts: 1 } }
const unreachable = new DrawbridgeError('ERR_BROKER_UNREACHABLE', 'no answer', { details: { outcome: 'unknown' } })

describe('letters on a scripted broker', () => {
  it('a-letter-is-written-before-the-position-moves-and-no-commit-comes-between', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'good', 'bad', 'after')
    const release = broker.hold(`append ${LETTERS}`)
    const seen: string[] = []
    await subscribe(ONCE, ({ value }) => {
      seen.push(value)
      if (value === 'bad') throw new Error('never')
    })
    await broker.clock.advance(60_000)
    // What stands behind it goes on; the position does not pass it.
    expect([seen, group.positions, letters()]).toEqual([['good', 'bad', 'after'], [1], []])
    release()
    await broker.clock.advance(1_000)
    expect([group.positions, letters()]).toEqual([[3], ['bad']])
    const order = broker.calls.filter((call) => call.startsWith(`append ${LETTERS}`) || call === 'commit t 0 3')
    expect(order).toEqual([`append ${LETTERS} 0 1`, 'commit t 0 3'])
  })

  it('a-letter-that-fails-many-times-is-tried-until-it-is-written-and-only-then-is-it-over', async () => {
    for (const error of [unreachable, new DrawbridgeError('ERR_CONFIG', 'no such partition'), new Error('anything')]) {
      const { broker, group, append, subscribe, letters, logged } = await createScriptedCore()
      append(0, 'bad')
      broker.fail(`append ${LETTERS}`, error, 40)
      const calls: number[] = []
      const subscription = await subscribe({ ...ONCE, maxInFlight: 1 }, ({ attempt }) => {
        calls.push(attempt)
        throw new Error('never')
      })
      await broker.clock.advance(100_000)
      // It is blocked for all to see, and no handler is called for it again.
      expect([subscription.status().state, group.positions, letters(), calls]).toEqual(['BLOCKED', [0], [], [1]])
      await broker.clock.advance(400_000)
      expect([subscription.status().state, group.positions, letters(), calls]).toEqual(['RUNNING', [1], ['bad'], [1]])
      expect(logged.filter((line) => line.includes('letter not written'))).toHaveLength(40)
    }
  })

  it('what-is-no-fault-of-the-record-makes-no-letter', async () => {
    for (const code of ['ERR_REGISTRY_DIFFERS', 'ERR_STORE_FAILED', 'ERR_CONFIG'] as const) {
      const { group, append, subscribe, letters } = await createScriptedCore()
      append(0, 'good', `!${code}`, 'after')
      const seen: string[] = []
      const subscription = await subscribe({}, ({ value }) => void seen.push(value))
      await expect(subscription.done).rejects.toMatchObject({ code })
      expect([subscription.status().state, group.positions, letters(), seen]).toEqual(['FAILED', [1], [], ['good']])
    }
  })

  it('a-letter-topic-that-cannot-be-made-is-tried-for-likewise', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'bad')
    broker.fail(`createTopic ${LETTERS}`, unreachable, 3)
    await subscribe(ONCE, () => {
      throw new Error('never')
    })
    await broker.clock.advance(60_000)
    expect([group.positions, letters()]).toEqual([[1], ['bad']])
  })

  it('a-revocation-is-not-held-up-by-a-letter-that-cannot-be-written', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'good', 'bad')
    broker.fail(`append ${LETTERS}`, unreachable, 1_000)
    await subscribe(ONCE, ({ value }) => {
      if (value === 'bad') throw new Error('never')
    })
    await broker.clock.advance(10_000)
    const revoked = outcomeOf(group.revoke([0]))
    await broker.clock.advance(0)
    expect([revoked(), group.positions, letters()]).toEqual(['ok', [1], []])
    await broker.clock.advance(600_000)
    expect([letters(), broker.clock.due()]).toEqual([[], []])
  })

  it('a-letter-under-way-when-its-partition-is-lost-moves-nothing', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'bad')
    const release = broker.hold(`append ${LETTERS}`)
    await subscribe(ONCE, () => {
      throw new Error('never')
    })
    group.lose([0])
    release()
    await broker.clock.advance(60_000)
    // It was written, as nobody could tell it not to be; its id makes it one with the next owner's.
    expect([group.positions, letters()]).toEqual([[0], ['bad']])
  })

  it('records-that-are-no-values-become-letters-in-their-turn-and-the-handler-sees-none', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore({ partitions: 2 })
    append(1, '?1', 'good', '?2', '?3')
    const seen: string[] = []
    await subscribe({}, ({ value }) => void seen.push(value))
    await broker.clock.advance(1_000)
    expect([seen, letters(1), letters(0), group.positions]).toEqual([['good'], ['?1', '?2', '?3'], [], [0, 4]])
  })
})

describe('failure policies on a scripted broker', () => {
  it('stop-leaves-the-position-before-the-record-whatever-finished-behind-it', async () => {
    const { broker, group, append, subscribe, letters } = await createScriptedCore()
    append(0, 'a', 'bad', 'c')
    const seen: string[] = []
    const subscription = await subscribe({ ...ONCE, onFailure: 'stop', concurrency: 3 }, ({ value }) => {
      seen.push(value)
      if (value === 'bad') throw new Error('never')
    })
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_HANDLER_FAILED', details: { offset: 1 } })
    await broker.clock.advance(60_000)
    expect([group.positions, letters(), subscription.status().state]).toEqual([[1], [], 'FAILED'])
    expect(seen.slice(0, 2)).toEqual(['a', 'bad'])
  })

  it('continue-passes-the-record-without-a-letter-and-logs-it', async () => {
    const { broker, group, append, subscribe, letters, logged } = await createScriptedCore()
    append(0, 'a', 'bad', '?', 'd')
    const seen: string[] = []
    await subscribe({ ...ONCE, onFailure: 'continue' }, ({ value }) => {
      seen.push(value)
      if (value === 'bad') throw new Error('never')
    })
    await broker.clock.advance(1_000)
    expect([seen, group.positions, letters()]).toEqual([['a', 'bad', 'd'], [4], []])
    expect(logged.filter((line) => line.startsWith('error') && line.includes('without a letter'))).toHaveLength(2)
  })
})
