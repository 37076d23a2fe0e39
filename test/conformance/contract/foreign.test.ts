import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { type Step, stepTopic } from '../steps.ts'
import { appendTexts, createTopic, lagOf, readAll, settled } from './records.ts'

onEveryBackend('contract foreign records', ({ it, open, connect, join, name, url, hooks }) => {
  it('records-of-foreign-clients-are-read-with-every-type-of-header', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 2)
    const expected = await hooks.foreign({ url: url(), topic, partition: 1 })
    expect(expected.length).toBeGreaterThan(3)
    const stored = await readAll(backend, topic, 1)
    expect(stored.map(({ value }) => value)).toEqual(expected.map(({ value }) => value))
    for (const [index, { key, headers }] of expected.entries()) {
      if (key !== undefined) expect(stored[index]?.key).toEqual(key)
      if (headers !== undefined) expect(stored[index]?.headers).toEqual(headers)
    }
    // Whatever they were, headers and keys are now what the contract says they are.
    for (const { key, headers, timestamp, appendedAt } of stored) {
      expect(key === null || Buffer.isBuffer(key)).toBe(true)
      for (const [header, value] of headers) {
        expect(typeof header).toBe('string')
        expect(value === null || Buffer.isBuffer(value)).toBe(true)
      }
      expect(Number.isSafeInteger(timestamp) && Number.isSafeInteger(appendedAt)).toBe(true)
    }
    const group = name('g')
    const member = await join(backend, { group, topic, commit: true })
    await eventually(() => member.records.length === expected.length, settled('a member has them'))
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('lag reaches 0'))
    expect(member.failures).toEqual([])
    await appendTexts(backend, topic, ['ours'], 1)
    await eventually(() => member.values().at(-1) === 'ours', settled('ours comes behind them'))
  }, 120_000)

  it('what-a-typed-topic-cannot-read-becomes-a-letter-and-nothing-stops', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    const group = name('g')
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.send({ key: 'k', count: 1 }, { partition: 1 })
    const foreign = await hooks.foreign({ url: url(), topic: topic.name, partition: 1 })
    await producer.send({ key: 'k', count: 2 }, { partition: 1 })
    const seen: Step[] = []
    await broker.subscribe(topic, { group }, ({ value }) => void seen.push(value))
    await eventually(() => seen.length >= 2, settled('ours are handled, before and behind'))
    expect(seen.map(({ count }) => count)).toEqual([1, 2])
    await eventually(async () => (await lagOf(broker.backend, group, topic.name)) === 0, settled('lag reaches 0'))
    const letters = await readAll(broker.backend, `${topic.name}.${group}.dead`, 1)
    expect(letters.map(({ value }) => value)).toEqual(foreign.map(({ value }) => value))
  }, 120_000)
})
