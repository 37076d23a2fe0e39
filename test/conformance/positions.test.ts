import { expect } from '@jest/globals'
import type { From, Message } from '../../src/index.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { type Step, steps, stepTopic } from './steps.ts'

const SOON = { timeoutMs: 60_000 }

onEveryBackend('positions', ({ it, connect, name }) => {
  it('from-takes-every-form-and-is-resolved-once', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 4; count++) {
      for (const partition of [0, 1]) await producer.send({ key: `p${partition}`, count }, { partition })
      const before = Date.now()
      await eventually(() => Date.now() > before, { what: 'the clock moves on', intervalMs: 1 })
    }
    const log = await collect(broker.read(topic, { to: 'end' }))
    const placeOf = ({ partition, offset }: Message<Step>) => `${partition}:${offset}`
    const time = Math.max(...log.filter(({ value }) => value.count === 2).map(({ appendedAt }) => appendedAt))
    const since = log.filter(({ appendedAt }) => appendedAt >= time)
    const [third = -1] = log.flatMap(({ partition, offset, value }) =>
      partition === 1 && value.count === 2 ? [offset] : [],
    )
    const forms: readonly (readonly [string, From | undefined, readonly Message<Step>[]])[] = [
      ['absent', undefined, log],
      ['earliest', 'earliest', log],
      ['latest', 'latest', []],
      ['iso', { timestamp: new Date(time).toISOString() }, since],
      ['date', { timestamp: new Date(time) }, since],
      ['ms', { timestamp: time }, since],
      // A partition that is not named begins at its beginning.
      ['offsets', { offsets: { 1: third } }, log.filter((m) => m.partition === 0 || m.offset >= third)],
    ]
    const groupOf = (form: string) => `${form}-${topic.name}`
    const taken = await Promise.all(
      forms.map(async ([form, from]) => {
        const seen: string[] = []
        const options = { group: groupOf(form), ...(from === undefined ? {} : { from }) }
        return { form, seen, subscription: await broker.subscribe(topic, options, (m) => void seen.push(placeOf(m))) }
      }),
    )
    const lagOf = async (form: string) =>
      (await broker.groups.describe(groupOf(form), topic)).positions.reduce((sum, { lag }) => sum + lag, 0)
    for (const { form, seen, subscription } of taken) {
      const expected = forms.find((each) => each[0] === form)?.[2].map(placeOf) ?? []
      await eventually(async () => seen.length >= expected.length && (await lagOf(form)) === 0, {
        what: `the group of ${form} has handled what is there`,
        ...SOON,
      })
      expect({ form, seen: seen.toSorted() }).toEqual({ form, seen: expected.toSorted() })
      await subscription.stop()
    }
    // Resolved once: whatever comes while nobody is there is not missed, and another `from` says nothing.
    for (const partition of [0, 1]) await producer.send({ key: `p${partition}`, count: 9 }, { partition })
    const later = await Promise.all(
      forms.map(async ([form]) => {
        const seen: number[] = []
        const from = form === 'latest' ? 'earliest' : 'latest'
        await broker.subscribe(topic, { group: groupOf(form), from }, ({ value }) => void seen.push(value.count))
        return { form, seen }
      }),
    )
    for (const { form, seen } of later) {
      await eventually(() => seen.length >= 2, { what: `the group of ${form} goes on`, ...SOON })
      expect({ form, seen }).toEqual({ form, seen: [9, 9] })
    }
  }, 180_000)

  it('a-position-never-passes-an-unfinished-record-in-whatever-order-they-finish', async () => {
    const [broker, observer] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 1)
    const group = name('g')
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(300, 1))
    /** Handlers that wait, by offset. */
    const waiting = new Map<number, () => void>()
    const finished = new Set<number>()
    await broker.subscribe(topic, { group, concurrency: 12 }, async ({ offset }) => {
      await new Promise<void>((resolve) => waiting.set(offset, resolve))
      finished.add(offset)
    })
    const offsets = (await collect(observer.read(topic, { to: 'end' }))).map(({ offset }) => offset)
    let held = offsets[0] ?? -1
    for (let turn = 0; finished.size < 300; turn++) {
      await eventually(() => waiting.size === Math.min(12, 300 - finished.size), { what: 'handlers wait', ...SOON })
      // The newest ones first, the oldest is let go last of all and every tenth time only.
      const oldest = Math.min(...waiting.keys())
      for (const [offset, finish] of waiting) {
        if (offset === oldest && turn % 10 !== 9) continue
        waiting.delete(offset)
        finish()
      }
      await eventually(() => waiting.size > 0 || finished.size === 300, { what: 'the next ones begin', ...SOON })
      const { positions } = await observer.groups.describe(group, topic)
      const next = positions[0]?.next ?? 0
      expect(offsets.filter((offset) => offset < next && !finished.has(offset))).toEqual([])
      expect(next).toBeGreaterThanOrEqual(held)
      held = next
    }
    await eventually(async () => (await observer.groups.describe(group, topic)).positions[0]?.lag === 0, {
      what: 'lag reaches 0',
      ...SOON,
    })
  }, 120_000)

  it('lag-counts-down-to-0-and-up-again-with-new-records', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    const group = name('g')
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(6, 4))
    const lagOf = async () =>
      (await broker.groups.describe(group, topic)).positions.reduce((sum, { lag }) => sum + lag, 0)
    await broker.groups.reset(group, topic, { to: 'earliest' })
    expect(await lagOf()).toBe(24)
    const subscription = await broker.subscribe(topic, { group, concurrency: 3 }, () => undefined)
    await eventually(async () => (await lagOf()) === 0, { what: 'lag reaches 0', ...SOON })
    await producer.sendAll(steps(6, 1))
    await eventually(async () => (await lagOf()) === 0, { what: 'lag reaches 0 again', ...SOON })
    await subscription.stop()
    await producer.send({ key: 'k', count: 1 })
    expect(await lagOf()).toBe(1)
  }, 120_000)

  it('an-idle-group-is-reset-to-every-form-and-a-deleted-one-begins-anew', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    const group = name('g')
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 5; count++) {
      await producer.send({ key: 'k', count })
      const before = Date.now()
      await eventually(() => Date.now() > before, { what: 'the clock moves on', intervalMs: 1 })
    }
    const log = await collect(broker.read(topic, { to: 'end' }))
    const at = (count: number) => log[count] as Message<Step>
    const nextOf = async () => (await broker.groups.describe(group, topic)).positions[0]?.next
    const forms: readonly (readonly [From | 'end', number])[] = [
      ['earliest', 0],
      ['end', at(4).offset + 1],
      [at(2).offset, at(2).offset],
      ['latest', at(4).offset + 1],
      [{ offsets: { 0: at(1).offset } }, at(1).offset],
      [{ timestamp: new Date(at(3).appendedAt) }, at(3).offset],
    ]
    for (const [to, expected] of forms) {
      await broker.groups.reset(group, topic, { to })
      expect({ to, next: await nextOf() }).toEqual({ to, next: expected })
    }
    await expect(broker.groups.reset(group, topic, { to: at(4).offset + 2 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    })
    expect(await nextOf()).toBe(at(3).offset)
    await broker.groups.delete(group, topic)
    await expect(broker.groups.delete(group, topic)).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
    expect(await broker.groups.list()).not.toContainEqual({ group, topic: topic.name })
    const seen: number[] = []
    const subscription = await broker.subscribe(topic, { group }, ({ value }) => void seen.push(value.count))
    await eventually(() => seen.length === 5, { what: 'it begins at the beginning', ...SOON })
    await expect(broker.groups.delete(group, topic)).rejects.toMatchObject({ code: 'ERR_GROUP_ACTIVE' })
    await subscription.stop()
  }, 120_000)
})
