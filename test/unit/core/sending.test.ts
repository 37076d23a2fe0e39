import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { createScriptedCore, outcomeOf, TOPIC } from './scripted-member.ts'

const failing = (outcome: 'not-written' | 'unknown') =>
  new DrawbridgeError('ERR_BROKER_UNREACHABLE', 'no answer', { details: { outcome } })

describe('sending on a scripted broker', () => {
  // Half of the random half: each delay is three quarters of its ceiling.
  beforeEach(() => void jest.spyOn(Math, 'random').mockReturnValue(0.5))
  afterEach(() => void jest.restoreAllMocks())

  async function setUp(options = {}) {
    const scripted = await createScriptedCore()
    const producer = scripted.core.producer(TOPIC, options)
    const stored = () => scripted.broker.log.topic('t').partitions[0]?.records.map(({ value }) => String(value)) ?? []
    const { clock } = scripted.broker
    return { ...scripted, clock, producer, stored }
  }

  it('what-is-known-not-to-be-written-is-sent-again-in-order-and-what-came-later-waits', async () => {
    const { broker, clock, producer, stored, calls } = await setUp()
    broker.fail('append t', failing('not-written'), 3)
    const first = outcomeOf(producer.send('a'))
    await clock.settle()
    const second = outcomeOf(producer.send('b'))
    // 50, 100 and 200 ms are the ceilings.
    await clock.advance(261)
    expect([first(), second(), stored(), calls('append t').length]).toEqual([undefined, undefined, [], 3])
    await clock.advance(2)
    expect([first(), second(), stored()]).toEqual(['ok', 'ok', ['a', 'b']])
  })

  it('what-may-have-been-written-is-never-sent-again-by-itself', async () => {
    const { broker, clock, producer, stored, calls } = await setUp()
    broker.fail('append t', failing('unknown'))
    const first = producer.send('a')
    const told = outcomeOf(first)
    await clock.advance(60_000)
    expect([told(), calls('append t').length]).toEqual(['ERR_BROKER_UNREACHABLE', 1])
    await expect(first).rejects.toMatchObject({ details: { outcome: 'unknown' } })
    await producer.send('b')
    expect(stored()).toEqual(['b'])
  })

  it('what-cannot-be-written-is-given-up-after-half-a-minute-and-says-so', async () => {
    const { broker, clock, producer, stored } = await setUp()
    broker.fail('append t', failing('not-written'), 1_000)
    const told = outcomeOf(producer.send('a'))
    await clock.advance(27_000)
    expect(told()).toBeUndefined()
    await clock.advance(3_000)
    expect([told(), stored()]).toEqual(['ERR_BROKER_UNREACHABLE', []])
  })

  it('one-append-is-under-way-at-a-time-and-the-next-takes-all-that-gathered', async () => {
    const { broker, clock, producer, stored, calls } = await setUp({ maxBatchRecords: 3 })
    const release = broker.hold('append t')
    const sends = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((value) => producer.send(value))
    await clock.advance(1_000)
    expect(calls('append t')).toEqual(['append t 0 3'])
    release()
    expect((await Promise.all(sends)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(calls('append t')).toEqual(['append t 0 3', 'append t 0 3', 'append t 0 1'])
    expect(stored()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  it('a-record-lingers-exactly-as-long-as-it-may-and-a-close-does-not-wait-for-that', async () => {
    const { clock, producer, stored } = await setUp({ lingerMs: 500 })
    await clock.settle()
    const first = outcomeOf(producer.send('a'))
    await clock.advance(499)
    expect([first(), stored()]).toEqual([undefined, []])
    const second = outcomeOf(producer.send('b'))
    await clock.advance(1)
    expect([first(), second(), stored()]).toEqual(['ok', 'ok', ['a', 'b']])
    const third = outcomeOf(producer.send('c'))
    const closed = outcomeOf(producer.close())
    await clock.settle()
    expect([third(), closed(), stored(), clock.due()]).toEqual(['ok', 'ok', ['a', 'b', 'c'], []])
  })

  it('a-topic-that-cannot-be-looked-up-fails-the-sends-that-waited-and-the-next-one-looks-again', async () => {
    const { broker, producer, stored } = await setUp()
    broker.fail('describeTopic t', failing('not-written'))
    const results = await Promise.allSettled([producer.send('a'), producer.send('b')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await producer.send('c')
    expect(stored()).toEqual(['c'])
  })

  it('a-look-for-new-partitions-that-fails-is-made-again', async () => {
    const { broker, clock, producer, core, calls } = await setUp()
    await producer.send('a')
    await core.topics.widen('t', 8)
    await clock.advance(15_000)
    broker.fail('describeTopic t', failing('not-written'))
    await producer.send('b')
    await clock.advance(15_000)
    await producer.send('c')
    await clock.settle()
    await Promise.all(['d', 'e', 'f', 'g', 'h', 'i'].map((value) => producer.send(value)))
    expect(new Set(calls('append t').map((call) => call.split(' ')[2])).size).toBeGreaterThan(1)
  })
})
