import { expect } from '@jest/globals'
import { DrawbridgeError } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, steps, stepTopic } from './steps.ts'

const SOON = { timeoutMs: 60_000 }

onEveryBackend('failures', ({ it, connect, name, logged }) => {
  const group = name('g')

  it('a-handler-that-never-settles-is-a-failed-attempt-at-its-time-limit', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(2, 2))
    const calls: string[] = []
    const reasons: unknown[] = []
    await broker.subscribe(
      topic,
      { group, handlerTimeoutMs: 100, concurrency: 2, retry: { attempts: 2, minDelayMs: 1 } },
      ({ value, attempt }, signal) => {
        calls.push(`${value.key}#${value.count}.${attempt}`)
        if (value.key !== 'key-0' || value.count !== 0) return undefined
        return new Promise((resolve) => {
          // It obeys nobody: neither its signal ends it, nor does anything else.
          signal.addEventListener('abort', () => void reasons.push(signal.reason))
          if (attempt > 2) resolve()
        })
      },
    )
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.lag === 0, {
      what: 'the position passes it',
      ...SOON,
    })
    expect(reasons).toMatchObject([{ code: 'ERR_HANDLER_TIMEOUT' }, { code: 'ERR_HANDLER_TIMEOUT' }])
    expect(calls.filter((call) => call.startsWith('key-0'))).toEqual(['key-0#0.1', 'key-0#0.2', 'key-0#1.1'])
    const letters = await collect(broker.read(await broker.topic(`${topic.name}.${group}.dead`), { to: 'end' }))
    const text = letters.map(({ headers }) => headers.map(([header, value]) => `${header}=${value?.toString()}`).join())
    expect(text).toEqual([expect.stringContaining('drawbridge.letter.code=ERR_HANDLER_TIMEOUT')])
  })

  it('a-handler-that-hangs-without-a-limit-holds-up-its-key-and-nothing-else', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 5; count++) {
      await producer.send({ key: 'stuck', count }, { partition: 0 })
      for (const partition of [0, 1]) await producer.send({ key: `other-${partition}`, count }, { partition })
    }
    const seen: string[] = []
    const subscription = await broker.subscribe(
      topic,
      { group, concurrency: 2, drainTimeoutMs: 50 },
      ({ value: { key, count } }) => {
        seen.push(`${key}#${count}`)
        return key === 'stuck' ? new Promise(() => undefined) : undefined
      },
    )
    await eventually(() => seen.length === 11, { what: 'all the others are handled', ...SOON })
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[1]?.lag === 0, {
      what: 'the other partition is committed',
      ...SOON,
    })
    expect(seen.filter((step) => step.startsWith('stuck'))).toEqual(['stuck#0'])
    expect(subscription.status().partitions[0]).toMatchObject({ position: 0, inFlight: 10 })
    await expect(subscription.stop()).rejects.toMatchObject({ code: 'ERR_DRAIN_DEADLINE' })
    expect((await broker.groups.describe(group, topic)).positions.map(({ lag }) => lag)).toEqual([10, 0])
  })

  it('a-result-that-comes-after-the-time-limit-is-thrown-away', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const { opened, open } = gate()
    const late = gate()
    const subscription = await broker.subscribe(
      topic,
      { group, handlerTimeoutMs: 50, retry: { minDelayMs: 1 } },
      async ({ offset, attempt }) => {
        if (offset > 0) return
        if (attempt === 1) {
          await opened
          late.open()
          return
        }
        // Only now the first attempt returns, as if all were well.
        open()
        await late.opened
        throw new DrawbridgeError('ERR_ENDPOINT_GONE', 'the attempt that counts')
      },
    )
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_ENDPOINT_GONE' })
    expect((await broker.groups.describe(group, topic)).positions[0]?.lag).toBe(2)
  })

  it('a-redelivered-message-tells-of-its-first-attempt-and-the-last-error', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const before = Date.now()
    const told: unknown[] = []
    const begun: number[] = []
    await broker.subscribe(topic, { group, retry: { minDelayMs: 1, maxDelayMs: 2 } }, ({ offset, redelivery }) => {
      told.push(redelivery)
      begun.push(Date.now())
      if (offset === 0 && told.length < 3) throw new Error(`failure ${told.length}`)
    })
    await eventually(() => told.length === 4, { what: 'both are handled', ...SOON })
    const [first, second, third, next] = told as { firstAttemptAt: number; lastError: Error }[]
    expect([first, next]).toEqual([null, null])
    expect([second?.lastError.message, third?.lastError.message]).toEqual(['failure 1', 'failure 2'])
    expect(second?.firstAttemptAt).toBeGreaterThanOrEqual(before - 1)
    expect(second?.firstAttemptAt).toBeLessThanOrEqual((begun[0] ?? 0) + 1)
    expect(Math.abs((third?.firstAttemptAt ?? 0) - (second?.firstAttemptAt ?? 0))).toBeLessThanOrEqual(1)
  })

  it('a-record-that-fails-for-good-stops-the-subscription-before-it-where-it-is-told-to', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 3))
    const options = { group, onFailure: 'stop', retry: { attempts: 2, minDelayMs: 1 } } as const
    const lag = async () => (await broker.groups.describe(group, topic)).positions[0]?.lag
    let failing = true
    const seen: number[] = []
    const subscribe = () =>
      broker.subscribe(topic, options, ({ offset }) => {
        if (failing && offset === 1) throw new Error('not this one')
        seen.push(offset)
      })
    const first = await subscribe()
    await expect(first.done).rejects.toMatchObject({
      code: 'ERR_HANDLER_FAILED',
      verdict: 'stop',
      cause: { message: 'not this one' },
      details: { topic: topic.name, partition: 0, offset: 1 },
    })
    expect(first.status().state).toBe('FAILED')
    expect([seen, await lag()]).toEqual([[0], 2])
    // Mended, it goes on there; what cannot be decoded stops it likewise.
    failing = false
    await broker.backend.append(topic.name, 0, [{ key: null, value: Buffer.from('no'), headers: [], timestamp: 0 }])
    await broker.producer(topic).sendAll(steps(1, 1))
    const second = await subscribe()
    await expect(second.done).rejects.toMatchObject({ code: 'ERR_UNDECODABLE', verdict: 'stop' })
    expect([seen, await lag()]).toEqual([[0, 1, 2], 2])
    expect(await broker.topics.list()).not.toContain(`${topic.name}.${group}.dead`)
  })

  it('a-record-that-fails-for-good-is-logged-and-passed-where-it-is-told-to', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    await broker.backend.append(topic.name, 0, [{ key: null, value: Buffer.from('no'), headers: [], timestamp: 0 }])
    await broker.producer(topic).sendAll(steps(1, 1))
    const calls: string[] = []
    await broker.subscribe(
      topic,
      { group, onFailure: 'continue', retry: { attempts: 2, minDelayMs: 1 } },
      ({ offset, attempt }) => {
        calls.push(`${offset}.${attempt}`)
        if (offset === 0) throw new Error('never')
      },
    )
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.lag === 0, {
      what: 'the position passes all',
      ...SOON,
    })
    expect(calls).toEqual(['0.1', '0.2', '1.1', '3.1'])
    const passed = logged.filter((line) => line.includes('without a letter') && line.includes(topic.name))
    expect(new Set(passed.map((line) => /"offset":(\d+)/.exec(line)?.[1]))).toEqual(new Set(['0', '2']))
    expect(await broker.topics.list()).not.toContain(`${topic.name}.${group}.dead`)
  })

  it('what-is-in-hand-is-bounded-in-bytes-as-well-and-one-record-always-fits', async () => {
    const broker = await connect()
    const topic = { name: name('t'), value: 'bytes', key: undefined, partitions: 1, compact: false } as const
    await broker.declare(topic)
    const large = { key: null, value: Buffer.alloc(4_000, 'x'), headers: [], timestamp: 0 }
    await broker.backend.append(
      topic.name,
      0,
      Array.from({ length: 20 }, () => large),
    )
    const { opened, open } = gate()
    let begun = 0
    let ended = 0
    const subscription = await broker.subscribe<Buffer>(
      topic,
      { group, concurrency: 20, maxInFlightBytes: 10_000 },
      async () => {
        begun++
        await opened
        ended++
      },
    )
    // Taken in while there is room: 4,000 and 8,000 bytes leave some, 12,000 do not.
    await eventually(() => begun === 3, { what: 'the window is full', ...SOON })
    // A round trip or two, in which a fourth would begin.
    for (let n = 0; n < 3; n++) await broker.topics.describe(topic.name)
    expect([begun, subscription.status().partitions[0]?.inFlight]).toEqual([3, 3])
    open()
    await eventually(() => ended === 20, { what: 'all are handled', ...SOON })
    await subscription.stop()

    const narrow: number[] = []
    await broker.subscribe<Buffer>(topic, { group: `narrow-${group}`, maxInFlightBytes: 1 }, ({ offset }) => {
      narrow.push(offset)
    })
    await eventually(() => narrow.length === 20, { what: 'they go through one by one', ...SOON })
  })

  it('what-at-most-once-has-begun-never-comes-again', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(6, 1))
    const begun: number[] = []
    const { opened, open } = gate()
    const first = await broker.subscribe(
      topic,
      { group, delivery: 'at-most-once', concurrency: 2, drainTimeoutMs: 50 },
      async ({ offset }) => {
        begun.push(offset)
        await opened
      },
    )
    await eventually(() => begun.length === 2, { what: 'as many run as may', ...SOON })
    // No more is committed ahead than is being handled, and it is given up half done.
    await expect(first.stop()).rejects.toMatchObject({ code: 'ERR_DRAIN_DEADLINE' })
    expect((await broker.groups.describe(group, topic)).positions[0]?.lag).toBe(4)
    const second: number[] = []
    await broker.subscribe(topic, { group, delivery: 'at-most-once' }, ({ offset }) => void second.push(offset))
    await eventually(() => second.length === 4, { what: 'the rest is handled', ...SOON })
    open()
    expect([...begun, ...second]).toEqual([0, 1, 2, 3, 4, 5])
  })
})
