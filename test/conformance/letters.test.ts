import { expect } from '@jest/globals'
import { LETTER_HEADERS } from '../../src/core/dead-letter.ts'
import { DrawbridgeError, defineTopic } from '../../src/index.ts'
import type { Headers } from '../../src/core/record.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { steps, stepTopic } from './steps.ts'

onEveryBackend('letters', ({ it, connect, name, logged }) => {
  const group = name('g')

  it('an-exhausted-record-becomes-a-letter-with-its-bytes-and-the-cause', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    const headers = [
      ['trace', Buffer.from('abc')],
      ['trace', null],
    ] as const
    await producer.send({ key: 'bad', count: 1 }, { partition: 1, headers, timestamp: 1_700_000_000_000 })
    await producer.send({ key: 'good', count: 2 }, { partition: 1 })
    const seen: string[] = []
    await broker.subscribe(topic, { group, retry: { attempts: 2, minDelayMs: 1 } }, ({ value }) => {
      seen.push(value.key)
      if (value.key === 'bad') throw new Error('cannot charge', { cause: new Error('card expired') })
    })
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[1]?.next === 2, {
      what: 'the position passes the letter',
    })
    expect(seen.filter((key) => key === 'bad')).toHaveLength(2)

    const [original] = await collect(broker.read(topic, { to: 'end' }))
    const letters = await collect(broker.read(await broker.topic(`${topic.name}.${group}.dead`), { to: 'end' }))
    expect(letters).toHaveLength(1)
    const letter = letters[0]
    expect(letter).toMatchObject({ partition: 1, key: Buffer.from('bad'), timestamp: 1_700_000_000_000 })
    expect(letter?.headers.slice(0, 2)).toEqual(headers)
    const text = Object.fromEntries((letter?.headers ?? []).map(([header, value]) => [header, value?.toString()]))
    const { incarnation } = await broker.topics.describe(topic.name)
    expect(text).toMatchObject({
      [LETTER_HEADERS.id]: `${topic.name}/${incarnation}/1/${original?.offset}/${group}`,
      [LETTER_HEADERS.attempts]: '2',
      [LETTER_HEADERS.code]: 'ERR_HANDLER_FAILED',
      [LETTER_HEADERS.cause]: 'cannot charge\ncaused by: card expired',
    })
    const raw = await collect(broker.read({ ...topic, value: 'bytes' }, { to: 'end' }))
    expect(letter?.value).toEqual(raw[0]?.value)
  })

  it('foreign-bytes-become-letters-without-calling-the-handler', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const foreign = [
      Buffer.alloc(0),
      Buffer.from('{"json":true}'),
      Buffer.from([0, 0, 0, 0, 99, 1, 2]),
      Buffer.from([1, 2, 3]),
      null,
    ]
    await broker.backend.append(
      topic.name,
      0,
      foreign.map((value) => ({ key: null, value, headers: [], timestamp: 0 })),
    )
    await broker.producer(topic).sendAll(steps(1, 1))
    const seen: number[] = []
    await broker.subscribe(topic, { group }, ({ offset }) => void seen.push(offset))
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.next === 6, {
      what: 'the position passes all',
    })
    expect(seen).toEqual([5])
    const letters = await collect(broker.read(await broker.topic(`${topic.name}.${group}.dead`), { to: 'end' }))
    expect(letters.map(({ value }) => value)).toEqual(foreign)
  })

  it('what-a-handler-does-to-its-message-reaches-neither-retries-nor-the-letter', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const headers = [['h', Buffer.from('kept')]] as const
    await broker.producer(topic).send({ key: 'original', count: 1 }, { headers })
    const seen: string[] = []
    await broker.subscribe(topic, { group: 'g', retry: { attempts: 3, minDelayMs: 1 } }, (message) => {
      seen.push(`${message.key?.toString()} ${message.value.count} ${message.headers.map(String).join()}`)
      message.key?.fill(33)
      Object.assign(message.value, { key: 'spoilt', count: 9 })
      message.headers[0]?.[1]?.fill(33)
      ;(message.headers as unknown[]).length = 0
      throw new Error('no')
    })
    await eventually(async () => (await broker.groups.describe('g', topic)).positions[0]?.next === 1, {
      what: 'the letter is written',
    })
    expect(seen).toEqual(Array.from({ length: 3 }, () => 'original 1 h,kept'))
    const [letter] = await collect(broker.read(await broker.topic(`${topic.name}.g.dead`), { to: 'end' }))
    expect(letter?.key?.toString()).toBe('original')
    expect(letter?.headers[0]).toEqual(headers[0])
  })

  it('anything-thrown-is-a-failure-like-any-other', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const hostile = {
      get message() {
        throw new Error('no message for you')
      },
      get code() {
        throw new Error('no code for you')
      },
    }
    const thrown: unknown[] = [undefined, null, 'text', 7, Symbol('s'), Object.create(null), hostile]
    await broker.producer(topic).sendAll(steps(1, thrown.length))
    await broker.subscribe(topic, { group: 'g', retry: { attempts: 1 } }, ({ offset }) => {
      throw thrown[offset]
    })
    await eventually(async () => (await broker.groups.describe('g', topic)).positions[0]?.lag === 0, {
      what: 'every record became a letter',
    })
    const letters = await collect(broker.read(await broker.topic(`${topic.name}.g.dead`), { to: 'end' }))
    const causes = letters.map(({ headers }) => headerText(headers, LETTER_HEADERS.cause))
    expect(causes).toEqual([
      'thrown: undefined',
      'thrown: null',
      'text',
      'thrown: 7',
      'thrown: Symbol(s)',
      'an object without a message was thrown',
      'an object without a message was thrown',
    ])
  })

  it('a-quarantined-record-is-not-tried-again', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const attempts: number[] = []
    await broker.subscribe(topic, { group }, ({ offset }) => {
      attempts.push(offset)
      if (offset === 0) throw new DrawbridgeError('ERR_REJECTED', 'the outside does not want it')
    })
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.next === 2, {
      what: 'the position passes both',
    })
    expect(attempts).toEqual([0, 1])
  })

  it('a-record-of-the-full-size-fits-into-its-letter-with-a-huge-cause', async () => {
    const broker = await connect()
    const topic = defineTopic({ name: name('t'), value: 'bytes', partitions: 1 })
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.send(Buffer.alloc(1_000_000, 1))
    await expect(producer.send(Buffer.alloc(1_000_001, 1))).rejects.toMatchObject({
      code: 'ERR_RECORD_TOO_LARGE',
      details: { outcome: 'not-written' },
    })
    await broker.subscribe(topic, { group, retry: { attempts: 1 } }, () => {
      throw new Error('é'.repeat(100_000))
    })
    await eventually(async () => (await broker.groups.describe(group, topic.name)).positions[0]?.next === 1, {
      what: 'the letter is written',
    })
    const [letter] = await collect(broker.read(await broker.topic(`${topic.name}.${group}.dead`), { to: 'end' }))
    expect(letter?.value).toHaveLength(1_000_000)
  })

  it('a-letter-is-durable-before-the-position-passes-its-record', async () => {
    const [broker, observer] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(40, 1))
    await broker.subscribe(topic, { group, concurrency: 4, retry: { attempts: 2, minDelayMs: 1 } }, () => {
      throw new Error('never')
    })
    const letterTopic = `${topic.name}.${group}.dead`
    const missing: number[] = []
    await eventually(
      async () => {
        // The position first: a letter of every record below it has to be there already.
        const { positions } = await observer.groups.describe(group, topic)
        const passed = positions[0]?.next ?? 0
        if (passed === 0) return false
        const letters = await collect(observer.read(await observer.topic(letterTopic), { to: 'end' }))
        const offsets = new Set(letters.map(({ headers }) => Number(headerText(headers, LETTER_HEADERS.offset))))
        missing.push(...[...Array(passed).keys()].filter((offset) => !offsets.has(offset)))
        return passed === 40
      },
      { what: 'all are letters', timeoutMs: 60_000, intervalMs: 1 },
    )
    expect(missing).toEqual([])
  })

  it('a-letter-that-cannot-be-written-blocks-its-partition-alone-and-is-never-skipped', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    // Somebody made the letter topic with too few partitions: letters of partition 1 have no place.
    const letterTopic = `${topic.name}.${group}.dead`
    await broker.backend.createTopic({
      ...(await broker.topics.describe(topic.name)),
      name: letterTopic,
      partitions: 1,
    })
    const producer = broker.producer(topic)
    for (let count = 0; count < 6; count++) {
      for (const partition of [0, 1])
        await producer.send({ key: count === 0 ? 'bad' : `good-${count}`, count }, { partition })
    }
    const seen: string[] = []
    const subscription = await broker.subscribe(
      topic,
      { group, maxInFlight: 3, retry: { attempts: 1 } },
      ({ value, partition, offset }) => {
        if (value.key === 'bad') throw new Error('never')
        seen.push(`${partition}:${offset}`)
      },
    )
    const of = (partition: number) => seen.filter((place) => place.startsWith(`${partition}:`))
    const told = () => logged.filter((line) => line.includes('letter not written') && line.includes(topic.name)).length
    const status = await eventually(
      () =>
        of(0).length === 5 && told() >= 2 && subscription.status().state === 'BLOCKED'
          ? subscription.status()
          : undefined,
      { what: 'partition 0 is through, partition 1 is blocked and tried again', timeoutMs: 30_000 },
    )
    expect(status.partitions.map(({ blockedBy }) => blockedBy)).toEqual([
      undefined,
      { offset: 0, key: Buffer.from('bad'), attempt: 1 },
    ])
    // Its window is as far as it goes, and its position stands.
    expect(of(1)).toEqual(['1:1', '1:2'])
    expect((await broker.groups.describe(group, topic)).positions[1]).toMatchObject({ next: 0, lag: 6 })
    await broker.topics.widen(letterTopic, 2)
    await eventually(async () => (await broker.groups.describe(group, topic)).positions.every(({ lag }) => lag === 0), {
      what: 'the letter is written at last',
      timeoutMs: 60_000,
    })
    expect(of(1)).toHaveLength(5)
    expect(subscription.status().state).toBe('RUNNING')
    const letters = await collect(broker.read(await broker.topic(letterTopic), { to: 'end' }))
    expect(new Set(letters.map(({ partition }) => partition))).toEqual(new Set([0, 1]))
    expect(letters).toHaveLength(2)
  }, 120_000)
})

function headerText(headers: Headers, wanted: string): string | undefined {
  return headers.find(([header]) => header === wanted)?.[1]?.toString()
}
