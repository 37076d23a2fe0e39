import { expect } from '@jest/globals'
import { defineTopic } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { onEveryBackend } from './every-backend.ts'
import { stepTopic } from './steps.ts'

const v1 = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] } as const
const v2 = { ...v1, fields: [...v1.fields, { name: 'note', type: ['null', 'string'], default: null }] } as const
const broken = { ...v1, fields: [...v1.fields, { name: 'total', type: 'double' }] } as const

onEveryBackend('declaring', ({ it, connect, name }) => {
  it('the-same-again-changes-nothing-and-a-difference-is-an-error', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    await broker.declare(topic)
    const { incarnation } = await broker.topics.describe(topic.name)
    await broker.declare(topic)
    await broker.declare({ ...topic, partitions: undefined })
    await expect(broker.declare({ ...topic, partitions: 4 })).rejects.toMatchObject({ code: 'ERR_TOPIC_DIFFERS' })
    await expect(broker.declare({ ...topic, compact: true })).rejects.toMatchObject({ code: 'ERR_TOPIC_DIFFERS' })
    expect(await broker.topics.describe(topic.name)).toMatchObject({ partitions: 3, compact: false, incarnation })
    expect(await broker.topics.list()).toContain(topic.name)
    expect((await broker.topics.list()).filter((each) => each.startsWith('drawbridge.'))).toEqual([])
  })

  it('two-connections-agree-on-the-id-of-a-schema', async () => {
    const [first, second] = [await connect(), await connect()]
    const names = [name('t'), name('t'), name('t')]
    const ids = await Promise.all(
      [first, second].flatMap((broker) =>
        names.map(async (each) => {
          await broker.registry.register(`${each}-value`, JSON.stringify(v1))
          return (await broker.registry.latest(`${each}-value`))?.id
        }),
      ),
    )
    expect(new Set(ids).size).toBe(1)
    for (const each of names) expect((await first.registry.latest(`${each}-value`))?.version).toBe(1)
  })

  it('schemas-evolve-and-what-cannot-be-read-is-refused', async () => {
    const broker = await connect()
    const topicName = name('t')
    const first = defineTopic({ name: topicName, value: v1, partitions: 1 })
    const second = defineTopic({ name: topicName, value: v2, partitions: 1 })
    await broker.declare(first)
    await broker.producer(first).send({ id: 'old' })
    await broker.declare(second)
    await broker.producer(second).send({ id: 'new', note: 'n' })
    const bad = defineTopic({ name: topicName, value: broken, partitions: 1 })
    await expect(broker.declare(bad)).rejects.toMatchObject({ code: 'ERR_SCHEMA_INCOMPATIBLE' })

    // A connection that saw none of this reads both with either schema.
    const other = await connect()
    expect((await collect(other.read(second, { to: 'end' }))).map(({ value }) => value)).toEqual([
      { id: 'old', note: null },
      { id: 'new', note: 'n' },
    ])
    expect((await collect(other.read(first, { to: 'end' }))).map(({ value }) => value)).toEqual([
      { id: 'old' },
      { id: 'new' },
    ])
    expect((await other.topic(topicName)).value).toEqual(v2)
  })

  it('a-compact-topic-has-tombstones-and-others-have-none', async () => {
    const broker = await connect()
    const topic = defineTopic({ name: name('t'), value: v1, key: (order) => order.id, compact: true })
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.send({ id: 'a' })
    await producer.send(null, { key: 'a' })
    expect(
      (await collect(broker.read(topic, { to: 'end' }))).map(({ key, value }) => [key?.toString(), value]),
    ).toEqual([
      ['a', { id: 'a' }],
      ['a', null],
    ])
  })
})
