import { expect } from '@jest/globals'
import type { Broker, Message, Topic } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { startProcess } from '../kit/process.ts'
import { readAll } from './contract/records.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, type Step, steps, stepTopic } from './steps.ts'

const place = ({ partition, offset }: Message<unknown>) => `${partition}:${offset}`

/** Everything a member of the group handles until it ends by itself. */
async function handleToTheEnd(broker: Broker, topic: Topic<Step>, group: string): Promise<readonly string[]> {
  const seen: string[] = []
  const subscription = await broker.subscribe(
    topic,
    { group, concurrency: 4 },
    (message) => void seen.push(place(message)),
  )
  await subscription.done
  expect(subscription.status().state).toBe('STOPPED')
  return seen.sort()
}

/** Places of the range, read without a group. */
async function placesOf(broker: Broker, topic: Topic<Step>, range: Parameters<Broker['read']>[1]) {
  return (await collect(broker.read(topic, range))).map(place).sort()
}

onEveryBackend('replay', ({ it, connect, name, url, hooks }) => {
  it('a-side-group-handles-exactly-the-range-and-ends-while-the-live-group-goes-on', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(30, 10))
    const live: string[] = []
    const member = await broker.subscribe(topic, { group: 'live' }, (message) => void live.push(place(message)))
    await eventually(() => live.length === 300, { what: 'the live group is at the end' })

    const { ranges } = await broker.topics.describe(topic.name)
    const from = Object.fromEntries(ranges.map(({ first }, partition) => [partition, first + 5 * partition]))
    const to = Object.fromEntries(ranges.map(({ end }, partition) => [partition, end - 10 - partition]))
    const expected = await placesOf(broker, topic, { from: { offsets: from }, to: { offsets: to } })
    const range = await broker.groups.replay('side', topic, { from: { offsets: from }, to: { offsets: to } })
    expect(range).toEqual([0, 1, 2].map((partition) => ({ partition, from: from[partition], to: to[partition] })))
    expect((await broker.groups.describe('side', topic)).replay).toEqual(range)

    expect(await handleToTheEnd(broker, topic, 'side')).toEqual(expected)
    await producer.sendAll(steps(30, 1))
    await eventually(() => live.length === 330, { what: 'the live group handles what is new' })
    expect(await handleToTheEnd(broker, topic, 'side')).toEqual([])
    expect(new Set(live).size).toBe(live.length)
    await member.stop()
    expect((await broker.groups.describe('live', topic)).positions.map(({ lag }) => lag)).toEqual([0, 0, 0])
  })

  it('a-range-between-two-times-is-exact-and-empty-ones-end-at-once', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 5; count++) {
      await producer.send({ key: 'k', count })
      const before = Date.now() + 1
      await eventually(() => Date.now() > before, { what: 'the clock moves on', intervalMs: 1 })
    }
    const all = await collect(broker.read(topic, { to: 'end' }))
    const [from, to] = [all[1]?.appendedAt ?? 0, all[4]?.appendedAt ?? 0]
    await broker.groups.replay('g', topic, { from: { timestamp: from }, to: { timestamp: to } })
    expect(await handleToTheEnd(broker, topic, 'g')).toEqual(all.slice(1, 4).map(place))
    await broker.groups.replay('g', topic, { from: { timestamp: to + 1_000 }, to: { timestamp: to + 2_000 } })
    expect(await handleToTheEnd(broker, topic, 'g')).toEqual([])
  })

  it('batches-and-letters-end-there-too', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(8, 5))
    const expected = await placesOf(broker, topic, { to: 'end' })
    await broker.groups.replay('batches', topic, { from: 'earliest' })
    await broker.groups.replay('letters', topic, { from: 'earliest' })
    await broker.producer(topic).sendAll(steps(8, 1))
    const batched: string[] = []
    const batches = await broker.subscribeBatches(topic, { group: 'batches', maxBatchWaitMs: 50 }, (messages) => {
      batched.push(...messages.map(place))
    })
    await batches.done
    expect(batched.sort()).toEqual(expected)
    const letters = await broker.subscribe(topic, { group: 'letters', retry: { attempts: 1 } }, () => {
      throw new Error('no')
    })
    await letters.done
    const written = await collect(broker.read(await broker.topic(`${topic.name}.letters.dead`), { to: 'end' }))
    expect(written).toHaveLength(40)
  })

  it('the-bound-outlives-a-killed-member-and-members-share-the-range', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(20, 10))
    const group = name('side')
    await broker.groups.replay(group, topic, { from: 'earliest' })
    const expected = await placesOf(broker, topic, { to: 'end' })
    await broker.producer(topic).sendAll(steps(20, 10))

    const seen = new Set<string>()
    const { opened, open } = gate()
    const slow = (message: Message<Step>) => {
      seen.add(place(message))
      return opened
    }
    const first = await broker.subscribe(topic, { group }, slow)
    await eventually(() => seen.size > 0, { what: 'a first record is in hand' })
    const args = ['consume', topic.name, '--group', group, '--json', '--broker', url()]
    const killed = startProcess('src/cli/main.ts', { args })
    await killed.message(() => true, 'the second member has a partition', 60_000)
    killed.kill('SIGKILL')
    await killed.ended
    open()
    const last = startProcess('src/cli/main.ts', { args })
    await first.done
    expect(await last.ended).toEqual({ code: 0, signal: null })
    for (const record of [...killed.messages(), ...last.messages()]) seen.add(place(record as Message<unknown>))
    expect([...seen].sort()).toEqual(expected)
    expect(await handleToTheEnd(broker, topic, group)).toEqual([])
  }, 120_000)

  it('refused-while-live-and-the-group-stays-unbounded', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 5))
    const seen: string[] = []
    const member = await broker.subscribe(topic, { group: 'g' }, (message) => void seen.push(place(message)))
    await eventually(() => seen.length === 5, { what: 'all are handled' })
    for (const dryRun of [true, false]) {
      await expect(broker.groups.replay('g', topic, { from: 'earliest', dryRun })).rejects.toMatchObject({
        code: 'ERR_GROUP_ACTIVE',
      })
    }
    await broker.producer(topic).sendAll(steps(1, 5))
    await eventually(() => seen.length === 10, { what: 'the member goes on' })
    await member.stop()
    expect((await broker.groups.describe('g', topic)).replay).toBeUndefined()
  })

  it('reset-and-delete-take-the-bound-away-and-a-further-replay-takes-its-place', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 10))
    const [first = ''] = await placesOf(broker, topic, { to: 1 })
    await broker.groups.replay('g', topic, { from: 0, to: 1 })
    expect(await handleToTheEnd(broker, topic, 'g')).toEqual([first])
    await broker.groups.replay('g', topic, { from: 2, to: 4 })
    expect(await handleToTheEnd(broker, topic, 'g')).toHaveLength(2)

    for (const free of [
      () => broker.groups.reset('g', topic, { to: 'earliest' }),
      () => broker.groups.delete('g', topic),
    ]) {
      await broker.groups.replay('g', topic, { from: 0, to: 1 })
      await free()
      const seen: string[] = []
      const member = await broker.subscribe(topic, { group: 'g' }, (message) => void seen.push(place(message)))
      await eventually(() => seen.length === 10, { what: 'all are handled, past the former bound' })
      expect(member.status().state).toBe('RUNNING')
      await member.stop()
    }
  })

  it('a-dry-run-and-a-refusal-change-nothing', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(10, 2))
    const dry = await broker.groups.replay('g', topic, { from: 'earliest', dryRun: true })
    const counted = await broker.topics.count(topic.name)
    expect(counted.map(({ partition, from, to }) => ({ partition, from, to }))).toEqual(dry)
    expect(counted.reduce((sum, { records }) => sum + records, 0)).toBe(20)
    for (const from of [{ offsets: { 0: 1_000 } }, { offsets: { 7: 0 } }, 3]) {
      await expect(broker.groups.replay('g', topic, { from })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    }
    await expect(broker.groups.describe('g', topic)).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
    await expect(broker.groups.replay('g', name('none'), { from: 'earliest' })).rejects.toMatchObject({
      code: 'ERR_TOPIC_UNKNOWN',
    })
  })

  it('a-range-whose-last-offsets-belong-to-no-record-ends', async () => {
    const broker = await connect()
    const topic = { ...stepTopic(name('t'), 2), value: 'bytes' }
    await broker.declare(topic)
    const values = await hooks.gaps({ url: url(), topic: topic.name, partition: 1 })
    const { ranges } = await broker.topics.describe(topic.name)
    await broker.groups.replay('g', topic.name, { from: 'earliest', to: { offsets: { 1: ranges[1]?.end ?? 0 } } })
    const counted = await broker.topics.count(topic.name)
    expect(counted.map(({ records }) => records)).toEqual([0, (await readAll(broker.backend, topic.name, 1)).length])
    const seen: unknown[] = []
    const raw = await broker.topic(topic.name)
    const subscription = await broker.subscribe(raw, { group: 'g' }, ({ value }) => void seen.push(value))
    await subscription.done
    expect(seen).toEqual(values)
  })

  it('partitions-that-came-later-and-another-life-of-the-topic-are-no-part-of-it', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(4, 1))
    await broker.groups.replay('g', topic, { from: 'earliest' })
    await broker.topics.widen(topic.name, 2)
    await broker.producer({ ...topic, partitions: 2 }).send({ key: 'k', count: 1 }, { partition: 1 })
    expect(await handleToTheEnd(broker, topic, 'g')).toHaveLength(4)

    await broker.topics.delete(topic.name)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(4, 2))
    const seen: string[] = []
    await broker.subscribe(topic, { group: 'g' }, (message) => void seen.push(place(message)))
    await eventually(() => seen.length === 8, { what: 'the new topic is handled without a bound' })
  })
})
