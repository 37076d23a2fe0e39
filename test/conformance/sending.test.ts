import { expect } from '@jest/globals'
import { defineTopic } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { onEveryBackend } from './every-backend.ts'
import { steps, stepTopic } from './steps.ts'

onEveryBackend('sending', ({ it, connect, name }) => {
  const group = name('g')

  it('a-receipt-names-the-place-and-calls-keep-their-order', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    const receipts = await Promise.all(steps(1, 50).map((step) => producer.send(step)))
    if (broker.backend.capabilities.appendOffsets)
      expect(receipts).toEqual(steps(1, 50).map((_, offset) => ({ partition: 0, offset })))
    const counts = (await collect(broker.read(topic, { to: 'end' }))).map(({ value }) => value.count)
    expect(counts).toEqual([...Array(50).keys()])
  })

  it('a-value-that-does-not-fit-is-refused-and-nothing-is-written', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await expect(producer.send({ key: 'k', count: 1.5 })).rejects.toMatchObject({ code: 'ERR_VALUE_INVALID' })
    await expect(producer.send({ key: 'k', count: 1 }, { partition: 1 })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(producer.send({ key: 'k', count: 1 }, { timestamp: -1 })).rejects.toMatchObject({
      code: 'ERR_VALUE_INVALID',
    })
    await expect(producer.sendAll([{ key: 'k', count: 1.5 }])).rejects.toMatchObject({ code: 'ERR_VALUE_INVALID' })
    expect(await collect(broker.read(topic, { to: 'end' }))).toEqual([])
  })

  it('a-full-buffer-refuses-and-sendAll-waits', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic, { maxBufferedRecords: 10 })
    await producer.send({ key: 'first', count: 0 })
    const results = await Promise.allSettled(steps(1, 15).map((step) => producer.send(step)))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(5)
    expect(refused[0]?.reason).toMatchObject({ code: 'ERR_BUFFER_FULL', details: { outcome: 'not-written' } })
    expect(await producer.sendAll(steps(1, 500))).toBe(500)
    expect(await collect(broker.read(topic, { to: 'end' }))).toHaveLength(511)
  })

  it('closing-finishes-what-was-accepted-and-refuses-the-rest', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    // Sends of a producer that has not looked its topic up yet are accepted, too, and nothing lingers once it closes.
    const producer = broker.producer(topic, { lingerMs: 60_000 })
    const sends = steps(1, 3).map((step) => producer.send(step))
    const closing = producer.close()
    await expect(producer.send({ key: 'k', count: 9 })).rejects.toMatchObject({
      code: 'ERR_CLOSED',
      details: { outcome: 'not-written' },
    })
    await closing
    expect(await Promise.all(sends)).toHaveLength(3)
    expect(await collect(broker.read(topic, { to: 'end' }))).toHaveLength(3)
  })

  it('a-flush-waits-for-what-was-sent-before-it', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic, { lingerMs: 60_000 })
    const settled: number[] = []
    for (const step of steps(1, 3)) void producer.send(step).then(() => settled.push(step.count))
    await producer.flush()
    expect(settled).toEqual([0, 1, 2])
  })

  it('a-topic-that-was-not-declared-is-named', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await expect(broker.producer(topic).send({ key: 'k', count: 1 })).rejects.toMatchObject({
      code: 'ERR_TOPIC_UNKNOWN',
    })
    await expect(broker.subscribe(topic, { group }, () => undefined)).rejects.toMatchObject({
      code: 'ERR_TOPIC_UNKNOWN',
    })
    await expect(collect(broker.read(topic, { to: 'end' }))).rejects.toMatchObject({ code: 'ERR_TOPIC_UNKNOWN' })
  })

  it('a-million-bytes-of-key-value-and-headers-are-taken-and-one-more-is-refused', async () => {
    const broker = await connect()
    const topic = defineTopic({ name: name('t'), value: 'bytes', partitions: 1 })
    await broker.declare(topic)
    const producer = broker.producer(topic)
    const options = { key: Buffer.alloc(1_000, 'k'), headers: [['head', Buffer.alloc(996, 'h')]] } as const
    const value = Buffer.alloc(998_000, 'v')
    const refused = producer.send(Buffer.concat([value, Buffer.from('!')]), options)
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_RECORD_TOO_LARGE',
      details: { outcome: 'not-written', bytes: 1_000_001, maxBytes: 1_000_000 },
    })
    await producer.send(value, options)
    const [stored, ...more] = await collect(broker.read(topic, { to: 'end' }))
    expect(more).toEqual([])
    expect([stored?.key?.equals(options.key), stored?.value.equals(value)]).toEqual([true, true])
    expect(stored?.headers).toEqual(options.headers)
  })
})
