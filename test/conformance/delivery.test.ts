import { expect } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, type Step, steps, stepTopic } from './steps.ts'

const FAST_RETRY = { minDelayMs: 1, maxDelayMs: 5 }

onEveryBackend('delivery', ({ it, connect, name }) => {
  const group = name('g')

  it('everything-sent-arrives-in-the-order-of-its-key', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 4)
    await broker.declare(topic)
    const sent = steps(20, 50)
    expect(await broker.producer(topic).sendAll(sent)).toBe(1000)
    const seen: Step[] = []
    const subscription = await broker.subscribe(topic, { group, concurrency: 8 }, async ({ value }) => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(value)
    })
    await eventually(() => seen.length >= 1000, { what: 'all records are handled' })
    await subscription.stop()
    for (let key = 0; key < 20; key++) {
      expect(seen.filter((step) => step.key === `key-${key}`).map(({ count }) => count)).toEqual([...Array(50).keys()])
    }
  })

  it('a-new-group-sees-old-records-and-every-group-gets-all', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(4, 5))
    const seen = { a: 0, b: 0, late: 0 }
    await broker.subscribe(topic, { group: `a-${group}` }, () => void seen.a++)
    await broker.subscribe(topic, { group: `b-${group}` }, () => void seen.b++)
    await broker.subscribe(topic, { group: `late-${group}`, from: 'latest' }, () => void seen.late++)
    await eventually(() => seen.a === 20 && seen.b === 20, { what: 'both groups have seen the old records' })
    await producer.sendAll(steps(4, 1))
    await eventually(() => seen.a === 24 && seen.b === 24 && seen.late === 4, {
      what: 'every group sees the new records, the late one only those',
    })
  })

  it('a-group-goes-on-where-it-stopped', async () => {
    const first = await connect()
    const topic = stepTopic(name('t'), 3)
    await first.declare(topic)
    const producer = first.producer(topic)
    await producer.sendAll(steps(6, 10))
    let seen = 0
    await first.subscribe(topic, { group }, () => void seen++)
    await eventually(() => seen === 60, { what: 'the first member handles all' })
    await first.close()

    const second = await connect()
    await second.producer(topic).sendAll(steps(6, 1))
    const again: Step[] = []
    await second.subscribe(topic, { group, from: 'earliest' }, ({ value }) => void again.push(value))
    await eventually(() => again.length >= 6, { what: 'the second member handles the new ones' })
    expect(again).toHaveLength(6)
    expect((await second.groups.describe(group, topic)).group).toBe(group)
  })

  it('a-failing-record-is-tried-again-with-its-attempt-number', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const attempts: string[] = []
    await broker.subscribe(topic, { group, retry: FAST_RETRY }, ({ value, attempt }) => {
      attempts.push(`${value.count}:${attempt}`)
      if (value.count === 0 && attempt < 3) throw new Error('not yet')
    })
    await eventually(() => attempts.length === 4, { what: 'the second record is handled' })
    expect(attempts).toEqual(['0:1', '0:2', '0:3', '1:1'])
  })

  it('a-retrying-record-blocks-only-its-key', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(3, 10))
    let failing = true
    const seen: Step[] = []
    await broker.subscribe(topic, { group, retry: { ...FAST_RETRY, attempts: 1e6 } }, ({ value }) => {
      if (failing && value.key === 'key-1') throw new Error('not yet')
      seen.push(value)
    })
    await eventually(() => seen.length === 20, { what: 'the other keys go on' })
    expect(seen.some(({ key }) => key === 'key-1')).toBe(false)
    failing = false
    await eventually(() => seen.length === 30, { what: 'the key goes on' })
    expect(seen.filter(({ key }) => key === 'key-1').map(({ count }) => count)).toEqual([...Array(10).keys()])
  })

  it('a-blocked-partition-is-visible-and-holds-no-other', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.send({ key: 'stuck', count: 0 }, { partition: 0 })
    for (let count = 1; count < 20; count++) await producer.send({ key: `after-${count}`, count }, { partition: 0 })
    for (let count = 0; count < 20; count++) await producer.send({ key: 'other', count }, { partition: 1 })
    let failing = true
    const seen: string[] = []
    const subscription = await broker.subscribe(
      topic,
      { group, maxInFlight: 5, retry: { attempts: 1e6, minDelayMs: 5, maxDelayMs: 5 } },
      ({ value }) => {
        if (failing && value.key === 'stuck') throw new Error('not yet')
        seen.push(value.key)
      },
    )
    const status = await eventually(
      () =>
        subscription.status().state === 'BLOCKED' && seen.filter((key) => key === 'other').length === 20
          ? subscription.status()
          : undefined,
      {
        what: 'partition 0 is blocked, partition 1 is through',
      },
    )
    const blocked = status.partitions.find(({ partition }) => partition === 0)
    expect(blocked).toMatchObject({ position: 0, inFlight: 5, blockedBy: { offset: 0, key: Buffer.from('stuck') } })
    failing = false
    await eventually(() => seen.length === 40, { what: 'everything is handled' })
    expect(subscription.status().state).toBe('RUNNING')
  })

  it('a-commit-never-passes-an-unfinished-record', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(10, 1))
    const first: string[] = []
    const subscription = await broker.subscribe(
      topic,
      { group, concurrency: 10, drainTimeoutMs: 50 },
      ({ value, offset }, signal) => {
        first.push(value.key)
        // Offset 3 hangs until its result no longer counts; the others finish out of order around it.
        if (offset !== 3) return undefined
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      },
    )
    await eventually(() => first.length === 10, { what: 'every handler was started' })
    await expect(subscription.stop()).rejects.toMatchObject({ code: 'ERR_DRAIN_DEADLINE' })
    expect((await broker.groups.describe(group, topic)).positions[0]?.next).toBe(3)

    const second: number[] = []
    await broker.subscribe(topic, { group }, ({ offset }) => void second.push(offset))
    await eventually(() => second.length === 7, { what: 'the unfinished record and what followed come again' })
    expect(second).toEqual([3, 4, 5, 6, 7, 8, 9])
  })

  it('stopping-lets-running-handlers-finish-and-commits-them', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 5))
    const { opened, open } = gate()
    const begun = gate()
    let finished = 0
    const subscription = await broker.subscribe(topic, { group }, async () => {
      begun.open()
      await opened
      finished++
    })
    await begun.opened
    const stopping = subscription.stop()
    expect(subscription.status().state).toBe('DRAINING')
    open()
    await stopping
    await subscription.done
    expect(subscription.status().state).toBe('STOPPED')
    expect(finished).toBe(1)
    expect((await broker.groups.describe(group, topic)).positions).toEqual([{ next: 1, end: 5, lag: 4 }])
  })

  it('at-most-once-commits-before-the-handler', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 3))
    const seen: (number | null | undefined)[] = []
    await broker.subscribe(topic, { group, delivery: 'at-most-once' }, async () => {
      seen.push((await broker.groups.describe(group, topic)).positions[0]?.next)
    })
    await eventually(() => seen.length === 3, { what: 'all are handled' })
    // A handler may find more committed than its own record, never less.
    for (const [offset, next] of seen.entries()) expect(next).toBeGreaterThan(offset)
  })

  it('a-handler-that-says-stop-fails-the-subscription-and-commits-nothing-further', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 3))
    const { DrawbridgeError } = await import('../../src/index.ts')
    const subscription = await broker.subscribe(topic, { group }, ({ offset }) => {
      if (offset === 1) throw new DrawbridgeError('ERR_ENDPOINT_GONE', 'gone for good')
    })
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_ENDPOINT_GONE' })
    expect(subscription.status().state).toBe('FAILED')
    expect((await broker.groups.describe(group, topic)).positions[0]?.next).toBe(1)
  })
})
