import { expect } from '@jest/globals'
import type { Broker, Producer, Subscription } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { codeOf } from './contract/records.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, type Step, steps, stepTopic } from './steps.ts'

type Calls = Readonly<Record<string, () => Promise<unknown>>>

/** Every call's code, by its name. */
async function codesOf(calls: Calls): Promise<Readonly<Record<string, string>>> {
  const codes = Object.entries(calls).map(async ([call, run]) => [
    call,
    await codeOf((async () => void (await run()))()),
  ])
  return Object.fromEntries((await Promise.all(codes)) as [string, string][])
}

const each = (calls: Calls, code: string) => Object.fromEntries(Object.keys(calls).map((call) => [call, code]))

onEveryBackend('lifecycle', ({ it, connect, name }) => {
  /** Every member of a broker that touches it, called as it would succeed while the broker is open. */
  function callsOf(broker: Broker, topic: ReturnType<typeof stepTopic>): Calls {
    const group = name('g')
    return {
      declare: () => broker.declare(topic),
      topic: () => broker.topic(topic.name),
      producer: async () => broker.producer(topic),
      subscribe: () => broker.subscribe(topic, { group }, () => undefined),
      subscribeBatches: () => broker.subscribeBatches(topic, { group: `${group}-b` }, () => undefined),
      read: () => collect(broker.read(topic, { to: 'end' })),
      'topics.list': () => broker.topics.list(),
      'topics.describe': () => broker.topics.describe(topic.name),
      'topics.count': () => broker.topics.count(topic.name),
      'topics.widen': () => broker.topics.widen(topic.name, 2),
      'groups.list': () => broker.groups.list(),
      'groups.reset': () => broker.groups.reset(`${group}-r`, topic, { to: 'earliest' }),
      'groups.replay': () => broker.groups.replay(`${group}-r`, topic, { from: 'earliest' }),
      'groups.describe': () => broker.groups.describe(`${group}-r`, topic),
      'groups.delete': () => broker.groups.delete(`${group}-r`, topic),
      'topics.delete': () => broker.topics.delete(topic.name),
    }
  }

  it('every-member-of-a-broker-works-while-fresh-and-is-ERR_CLOSED-after-close', async () => {
    const [broker, other] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 1)
    const functionsOf = (thing: object, prefix = '') =>
      Object.entries(thing).flatMap(([key, value]) => (typeof value === 'function' ? [`${prefix}${key}`] : []))
    const members = [
      ...functionsOf(broker).filter((member) => member !== 'close'),
      ...functionsOf(broker.topics, 'topics.'),
      ...functionsOf(broker.groups, 'groups.'),
    ]
    // A member that is new belongs into the list above.
    expect(Object.keys(callsOf(broker, topic)).toSorted()).toEqual(members.toSorted())
    // In order: each call finds what the one before has made.
    const answers: Record<string, string> = {}
    for (const [call, run] of Object.entries(callsOf(broker, topic))) {
      // What is subscribed holds its topic until it has left.
      if (call === 'topics.delete') continue
      Object.assign(answers, await codesOf({ [call]: run }))
    }
    const { 'topics.delete': _, ...worked } = each(callsOf(broker, topic), 'ok')
    expect(answers).toEqual(worked)
    await broker.close()
    const calls = callsOf(broker, topic)
    expect(await codesOf(calls)).toEqual(each(calls, 'ERR_CLOSED'))
    await Promise.all([broker.close(), broker[Symbol.asyncDispose]()])
    expect(await codeOf(other.topics.delete(topic.name))).toBe('ok')
  }, 120_000)

  it('what-is-called-while-a-broker-closes-is-done-or-refused-and-none-hangs', async () => {
    const [broker, other] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 2)
    await other.declare(topic)
    const { opened, open } = gate()
    const begun = gate()
    await other.producer(topic).sendAll(steps(1, 1))
    const subscription = await broker.subscribe(topic, { group: name('g') }, async () => {
      begun.open()
      await opened
    })
    await begun.opened
    const closing = broker.close()
    const { 'topics.delete': _, 'topics.widen': __, ...calls } = callsOf(broker, topic)
    const codes = codesOf(calls)
    // It waits for the running handler; nothing new may begin.
    expect(
      await codesOf({ producer: calls['producer']!, read: calls['read']!, subscribe: calls['subscribe']! }),
    ).toEqual({ producer: 'ERR_CLOSED', read: 'ERR_CLOSED', subscribe: 'ERR_CLOSED' })
    expect(subscription.status().state).toBe('DRAINING')
    open()
    await closing
    for (const [call, code] of Object.entries(await codes))
      expect({ call, code }).toEqual({ call, code: expect.stringMatching(/^(ok|ERR_CLOSED|ERR_GROUP_UNKNOWN)$/) })
    expect(subscription.status().state).toBe('STOPPED')
  }, 120_000)

  it('a-producer-is-fresh-closing-and-closed-and-says-so', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    // Nothing was sent: nothing to wait for.
    const idle = broker.producer(topic)
    await idle.flush()
    await Promise.all([idle.close(), idle.close(), idle[Symbol.asyncDispose]()])
    const calls = (producer: Producer<Step>): Calls => ({
      send: () => producer.send({ key: 'k', count: 1 }),
      sendAll: () => producer.sendAll(steps(1, 2)),
    })
    expect(await codesOf(calls(idle))).toEqual(each(calls(idle), 'ERR_CLOSED'))
    await idle.flush()

    const busy = broker.producer(topic, { lingerMs: 5_000 })
    const sends = steps(1, 3).map((step) => busy.send(step))
    const closing = busy.close()
    expect(await codesOf(calls(busy))).toEqual(each(calls(busy), 'ERR_CLOSED'))
    await Promise.all([closing, busy.flush(), busy.close()])
    await Promise.all(sends)

    // A sendAll that a close meets sends on or says that it was closed, and what it said is true.
    const streaming = broker.producer(topic)
    async function* source() {
      for (let count = 0; ; count++) {
        if (count === 10) void streaming.close()
        yield { key: 'stream', count }
      }
    }
    await expect(streaming.sendAll(source())).rejects.toMatchObject({ code: 'ERR_CLOSED' })

    // The broker's close is its producers' close.
    const last = broker.producer(topic)
    const accepted = last.send({ key: 'last', count: 0 })
    await broker.close()
    await accepted
    expect(await codesOf(calls(last))).toEqual(each(calls(last), 'ERR_CLOSED'))
    const log = await collect((await connect()).read(topic, { to: 'end' }))
    const keys = (key: string) => log.filter(({ value }) => value.key === key).map(({ value }) => value.count)
    expect({ busy: keys('key-0'), last: keys('last'), k: keys('k') }).toEqual({ busy: [0, 1, 2], last: [0], k: [] })
    expect(keys('stream')).toEqual([...Array(10).keys()])
  }, 120_000)

  it('a-subscription-is-fresh-stopping-and-stopped-and-says-so', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    const group = name('g')
    await broker.declare(topic)
    const seen: Step[] = []
    const subscribe = () => broker.subscribe(topic, { group }, ({ value }) => void seen.push(value))
    const check = (subscription: Subscription, state: string) =>
      expect([subscription.group, subscription.memberId.length > 0, subscription.status().state]).toEqual([
        group,
        true,
        state,
      ])
    // Stopped before anything was assigned, perhaps.
    const fresh = await subscribe()
    check(fresh, 'RUNNING')
    await Promise.all([fresh.stop(), fresh.stop(), fresh[Symbol.asyncDispose]()])
    await Promise.all([fresh.done, fresh.stop()])
    check(fresh, 'STOPPED')
    expect(fresh.status().partitions).toEqual([])

    const second = await subscribe()
    await broker.producer(topic).sendAll(steps(4, 2))
    await eventually(() => seen.length === 8, { what: 'all are handled', timeoutMs: 60_000 })
    // Its broker's close is its stop, also where it was stopped already.
    const stopping = second.stop()
    check(second, 'DRAINING')
    await Promise.all([stopping, broker.close()])
    await Promise.all([second.done, second.stop()])
    check(second, 'STOPPED')
    expect(seen).toHaveLength(8)
  }, 120_000)

  it('a-subscription-that-failed-is-left-and-may-be-stopped', async () => {
    const { DrawbridgeError } = await import('../../src/index.ts')
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    const group = name('g')
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const failing = await broker.subscribe(topic, { group }, () => {
      throw new DrawbridgeError('ERR_ENDPOINT_GONE', 'gone for good')
    })
    await expect(failing.done).rejects.toMatchObject({ code: 'ERR_ENDPOINT_GONE' })
    expect(failing.status()).toEqual({ state: 'FAILED', partitions: [] })
    await Promise.all([failing.stop(), failing[Symbol.asyncDispose]()])
    expect(failing.status().state).toBe('FAILED')
    const seen: number[] = []
    await broker.subscribe(topic, { group }, ({ offset }) => void seen.push(offset))
    await eventually(() => seen.length === 2, { what: 'another member goes on', timeoutMs: 60_000 })
  }, 120_000)

  it('a-read-is-fresh-open-ended-and-closed-and-says-so', async () => {
    const [broker, other] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 3))
    const begin = (from: typeof broker, live = false) =>
      from.read(topic, live ? {} : { to: 'end' })[Symbol.asyncIterator]()
    const END = { done: true, value: undefined }
    // Left before it began, twice.
    const fresh = begin(broker)
    expect([await fresh.return?.(), await fresh.return?.(), await fresh.next()]).toEqual([END, END, END])
    // Left in the midst of it.
    const left = begin(broker)
    expect((await left.next()).value).toMatchObject({ offset: 0 })
    expect([await left.return?.(), await left.next(), await left.return?.()]).toEqual([END, END, END])
    // Read to its end, and on.
    const ended = begin(broker)
    for (const offset of [0, 1, 2]) expect((await ended.next()).value).toMatchObject({ offset })
    expect([await ended.next(), await ended.next(), await ended.return?.()]).toEqual([END, END, END])
    // Made before the close and begun after it; and cut short by it.
    const late = begin(other)
    const live = begin(other, true)
    for (const offset of [0, 1, 2]) expect((await live.next()).value).toMatchObject({ offset })
    const pending = codeOf(live.next())
    await other.close()
    expect([await pending, await codeOf(late.next())]).toEqual(['ERR_CLOSED', 'ERR_CLOSED'])
    expect(await live.next()).toEqual(END)
  }, 120_000)
})
