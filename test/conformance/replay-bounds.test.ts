import { expect } from '@jest/globals'
import type { Backend } from '../../src/core/backend.ts'
import { createReplayBounds, type ReplayRange, REPLAY_TOPIC } from '../../src/core/replay-bounds.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, steps, stepTopic } from './steps.ts'

onEveryBackend('replay bounds', ({ it, connect, name }) => {
  it('members-are-refused-after-an-interrupted-replay-until-the-group-is-moved-again', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 10))
    const bounds = createReplayBounds(broker.backend, broker.clock)
    const cut = () => Promise.reject(new Error('the power went'))
    const interrupt = () => expect(bounds.move('g', topic.name, { from: [2], to: [5] }, cut)).rejects.toThrow('power')
    const subscribe = (seen: number[]) =>
      broker.subscribe(topic, { group: 'g' }, ({ offset }) => void seen.push(offset))
    const find = () => createReplayBounds(broker.backend, broker.clock, 0).find('g', topic.name)

    for (const again of [
      () => broker.groups.replay('g', topic, { from: 2, to: 5 }),
      () => broker.groups.reset('g', topic, { to: 2 }),
      () => broker.groups.delete('g', topic),
    ]) {
      await interrupt()
      await expect(find()).rejects.toMatchObject({ code: 'ERR_REPLAY_UNFINISHED' })
      await again()
      const seen: number[] = []
      const member = await subscribe(seen)
      await eventually(() => seen.length >= 3, { what: 'the group goes on' })
      await member.stop()
    }
    // Where the group was never there, its deletion says so, and mends it all the same.
    await broker.groups.delete('g', topic)
    await interrupt()
    await expect(subscribe([])).rejects.toMatchObject({ code: 'ERR_REPLAY_UNFINISHED', verdict: 'stop' })
    await broker.groups
      .delete('g', topic)
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_GROUP_UNKNOWN' }))
    await (await subscribe([])).stop()
  }, 120_000)

  it('of-two-replays-at-once-bound-and-positions-are-of-the-same-one-or-members-are-refused', async () => {
    const brokers = [await connect(), await connect(), await connect()]
    const topic = stepTopic(name('t'), 2)
    await brokers[0]?.declare(topic)
    await brokers[0]?.producer(topic).sendAll(steps(10, 10))
    for (let round = 0; round < 5; round++) {
      const group = `g-${round}`
      const outcomes = await Promise.allSettled(
        brokers.map((broker, n) =>
          broker.groups.replay(group, topic, { from: { offsets: { 0: n, 1: n } }, to: 'end' }),
        ),
      )
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_REPLAY_UNFINISHED' })
      const found = await createReplayBounds(brokers[0]!.backend, brokers[0]!.clock, 0)
        .find(group, topic.name)
        .catch((error: { code: string }) => error.code)
      if (found === 'ERR_REPLAY_UNFINISHED') {
        // Nobody may have been told that it was done.
        expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
        continue
      }
      const { positions } = (await brokers[0]?.groups.describe(group, topic)) ?? { positions: [] }
      expect(positions.map(({ next }) => next)).toEqual((found as ReplayRange | undefined)?.from)
    }
  }, 120_000)

  it('members-that-join-during-a-move-wait-for-it-and-share-what-it-leaves', async () => {
    const [broker, second] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let n = 0; n < 20; n++) await producer.send({ key: `k-${n}`, count: n }, { partition: n % 2 })
    const bounds = createReplayBounds(broker.backend, broker.clock)
    const moving = Promise.withResolvers<void>()
    const moved = bounds.move('g', topic.name, { from: [3, 3], to: [5, 5] }, async () => {
      await broker.backend.resetGroup('g', topic.name, [3, 3])
      await moving.promise
    })
    const described = () => broker.groups.describe('g', topic)
    await eventually(async () => (await described()).positions[0]?.next === 3, { what: 'the positions are set' })
    const seen: string[] = []
    const { opened, open } = gate()
    const join = (connection: typeof broker) =>
      connection.subscribe(topic, { group: 'g' }, ({ partition, offset }) => {
        seen.push(`${partition}:${offset}`)
        return opened
      })
    // The second one takes a partition from the first before that has begun with it.
    const first = join(broker)
    const held = async (members: number) => {
      const holding = (await described()).members.filter(({ partitions }) => partitions.length > 0)
      return holding.length === members
    }
    await eventually(() => held(1), { what: 'the first member holds all' })
    const other = join(second)
    await eventually(() => held(2), { what: 'each holds one' })
    expect(seen).toEqual([])
    moving.resolve()
    await moved
    const members = [await first, await other]
    await eventually(() => seen.length === 2, { what: 'each has a record in hand' })
    const partitionsHeld = members.flatMap((member) => member.status().partitions.map(({ partition }) => partition))
    expect(partitionsHeld.toSorted((a, b) => a - b)).toEqual([0, 1])
    open()
    for (const member of members) await member.done
    expect(seen.sort()).toEqual(['0:3', '0:4', '1:3', '1:4'])
  })

  it('a-mover-that-dies-at-any-step-leaves-what-was-or-what-is-to-be-or-a-refusal', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 10))
    const range = { from: [2], to: [5] }
    const left = new Set<string>()
    for (const answered of [true, false]) {
      for (let step = 0, finished = false; !finished; step++) {
        const group = `g-${String(answered)}-${step}`
        await broker.groups.reset(group, topic, { to: 7 })
        const backend = mortal(broker.backend, step, answered)
        finished = await createReplayBounds(backend, broker.clock)
          .move(group, topic.name, range, () => backend.resetGroup(group, topic.name, range.from))
          .then(
            () => true,
            () => false,
          )
        const { positions } = await broker.groups.describe(group, topic)
        const found = await createReplayBounds(broker.backend, broker.clock, 0)
          .find(group, topic.name)
          .catch((error: { code: string }) => error.code)
        if (found === undefined) expect([finished, positions[0]?.next]).toEqual([false, 7])
        else if (found !== 'ERR_REPLAY_UNFINISHED') expect([found, positions[0]?.next]).toEqual([range, 2])
        left.add(typeof found === 'object' ? 'bound' : String(found))
      }
    }
    expect([...left].sort()).toEqual(['ERR_REPLAY_UNFINISHED', 'bound', 'undefined'])
  }, 120_000)

  it('foreign-records-in-the-topic-of-bounds-do-no-harm', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 3))
    await broker.groups.replay('g', topic, { from: 0, to: 2 })
    const { incarnation } = await broker.topics.describe(topic.name)
    const odd = { id: 'x', group: 'g', topic: topic.name, version: 99, incarnation, moving: true, bound: null }
    const values = ['', '{', 'null', '[]', '{"group":1}', JSON.stringify(odd), null]
    await broker.backend.append(
      REPLAY_TOPIC,
      0,
      values.map((value) => ({
        key: null,
        value: value === null ? null : Buffer.from(value),
        headers: [],
        timestamp: 0,
      })),
    )
    const seen: number[] = []
    const other = await connect()
    const member = await other.subscribe(topic, { group: 'g' }, ({ offset }) => void seen.push(offset))
    await member.done
    expect(seen).toEqual([0, 1])
  })
})

/** The broker as a process sees it that dies at its `step`th change: before it is made, or after it but before the answer. */
function mortal(backend: Backend, step: number, made: boolean): Backend {
  let steps = 0
  const change = async <R>(run: () => Promise<R>): Promise<R> => {
    if (steps > step || (steps === step && !made)) throw new Error('dead')
    const result = await run()
    if (steps++ === step) throw new Error('dead')
    return result
  }
  return {
    ...backend,
    createTopic: (spec) => change(() => backend.createTopic(spec)),
    append: (...args) => change(() => backend.append(...args)),
    resetGroup: (...args) => change(() => backend.resetGroup(...args)),
  }
}
