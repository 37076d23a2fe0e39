import { expect } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, steps, stepTopic } from './steps.ts'

onEveryBackend('groups', ({ it, connect, name }) => {
  const group = name('g')

  it('reset-is-refused-while-live-and-done-when-idle', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(6, 5))
    let seen = 0
    const subscription = await broker.subscribe(topic, { group }, () => void seen++)
    await eventually(() => seen === 30, { what: 'all are handled' })
    await expect(broker.groups.reset(group, topic, { to: 'earliest' })).rejects.toMatchObject({
      code: 'ERR_GROUP_ACTIVE',
    })
    await subscription.stop()
    await broker.groups.reset(group, topic, { to: 'earliest' })
    const { positions } = await broker.groups.describe(group, topic)
    expect(positions.map(({ next }) => next)).toEqual([0, 0])
    expect(positions.reduce((sum, { lag }) => sum + lag, 0)).toBe(30)
    const again = await broker.subscribe(topic, { group }, () => void seen++)
    await eventually(() => seen === 60, { what: 'all are handled again' })
    await again.stop()
    expect((await broker.groups.describe(group, topic)).positions.map(({ lag }) => lag)).toEqual([0, 0])
  })

  it('reset-takes-only-offsets-the-topic-has', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 5))
    await expect(broker.groups.reset(`side-${group}`, topic, { to: 6 })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(broker.groups.describe(`side-${group}`, topic)).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
    await broker.groups.reset(`side-${group}`, topic, { to: 3 })
    expect(await broker.groups.list()).toContainEqual({ group: `side-${group}`, topic: topic.name })
    const seen: number[] = []
    await broker.subscribe(topic, { group: `side-${group}` }, ({ offset }) => void seen.push(offset))
    await eventually(() => seen.length === 2, { what: 'the rest is handled' })
    expect(seen).toEqual([3, 4])
  })

  it('a-joining-member-gets-a-share-only-after-running-handlers-have-finished', async () => {
    const [first, second] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 2)
    await first.declare(topic)
    const producer = first.producer(topic)
    for (const partition of [0, 1])
      for (let count = 0; count < 3; count++) await producer.send({ key: `p${partition}`, count }, { partition })
    const { opened, open } = gate()
    const events: string[] = []
    const holder = await first.subscribe(topic, { group, concurrency: 2 }, async ({ partition, offset }) => {
      events.push(`first begins ${partition}:${offset}`)
      await opened
      events.push(`first ends ${partition}:${offset}`)
    })
    await eventually(() => events.length === 2, { what: 'both partitions are in hand' })
    const joined = await second.subscribe(
      topic,
      { group },
      ({ partition, offset }) => void events.push(`second ${partition}:${offset}`),
    )
    await eventually(() => holder.status().partitions.some(({ draining }) => draining), {
      what: 'the first member is to give a partition up',
    })
    expect(joined.status().partitions).toEqual([])
    open()
    await eventually(
      () =>
        events.some((event) => event.startsWith('second')) &&
        events.filter((event) => event.startsWith('first ends') || event.startsWith('second')).length === 6,
      { what: 'all six are handled' },
    )
    const moved = joined.status().partitions[0]?.partition
    const ended = events.indexOf(`first ends ${moved}:0`)
    expect(ended).toBeGreaterThan(-1)
    expect(events.indexOf(`second ${moved}:1`)).toBeGreaterThan(ended)
    expect(new Set(events).size).toBe(events.length)
  })

  it('members-share-partitions-evenly-and-a-leaving-one-hands-over-without-repeats', async () => {
    const connections = [await connect(), await connect(), await connect()]
    const [broker] = connections
    const topic = stepTopic(name('t'), 6)
    await broker?.declare(topic)
    const seen: string[] = []
    const members = await Promise.all(
      connections.map((connection) =>
        connection.subscribe(
          topic,
          { group, concurrency: 4 },
          ({ partition, offset }) => void seen.push(`${partition}:${offset}`),
        ),
      ),
    )
    await eventually(() => members.every((member) => member.status().partitions.length === 2), {
      what: 'two partitions each',
    })
    const producer = broker?.producer(topic)
    const sending = producer?.sendAll(steps(60, 50))
    await members[1]?.stop()
    await sending
    await eventually(() => seen.length >= 3000, { what: 'all are handled' })
    expect(new Set(seen).size).toBe(3000)
    expect(seen).toHaveLength(3000)
  })
})
