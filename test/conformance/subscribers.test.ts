import { expect } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { type Step, steps, stepTopic } from './steps.ts'

/** Joining many groups at once takes a broker its time. */
const JOINED = { timeoutMs: 60_000 }

onEveryBackend('subscribers', ({ it, connect, name }) => {
  it('many-subscribers-at-once-share-every-record', async () => {
    const [first, second] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 8)
    const group = name('g')
    await first.declare(topic)
    const seen: Step[] = []
    // Sends, joins and the hand-overs they cause all go on at once.
    const sending = first.producer(topic).sendAll(steps(40, 25))
    const subscriptions = await Promise.all(
      [first, second, first, second].map((broker) =>
        broker.subscribe(topic, { group, concurrency: 4 }, async ({ value }) => {
          await new Promise((resolve) => setImmediate(resolve))
          seen.push(value)
        }),
      ),
    )
    await sending
    const handled = () => new Set(seen.map(({ key, count }) => `${key}#${count}`))
    await eventually(() => handled().size === 1000, { what: 'every record is handled', ...JOINED })
    await eventually(() => subscriptions.every((each) => each.status().partitions.length === 2), {
      what: 'two partitions each',
      ...JOINED,
    })
    await Promise.all(subscriptions.map((each) => each.stop()))
    const { positions } = await first.groups.describe(group, topic)
    expect(positions.reduce((sum, { lag }) => sum + lag, 0)).toBe(0)
    for (let key = 0; key < 40; key++) {
      const counts = [...new Set(seen.flatMap((step) => (step.key === `key-${key}` ? [step.count] : [])))]
      expect({ key, counts }).toEqual({ key, counts: [...Array(25).keys()] })
    }
  }, 120_000)

  it('many-topics-at-once-each-give-their-own-records', async () => {
    const broker = await connect()
    const group = name('g')
    const seen = new Map<string, string[]>()
    const topics = Array.from({ length: 10 }, (_, n) => stepTopic(`${name('t')}.${n}`, 1 + (n % 3)))
    await Promise.all(
      topics.map(async (topic) => {
        seen.set(topic.name, [])
        await broker.declare(topic)
        const subscribing = broker.subscribe(topic, { group: `${group}-${topic.name}` }, ({ topic, value }) => {
          seen.get(topic)?.push(value.key)
        })
        await broker
          .producer(topic)
          .sendAll(steps(1, 30).map(({ count }) => ({ key: `${topic.name}/${count % 5}`, count })))
        await subscribing
      }),
    )
    await eventually(() => [...seen.values()].every((keys) => keys.length === 30), {
      what: 'every topic has handed out its records',
      ...JOINED,
    })
    for (const [topic, keys] of seen) expect(keys.filter((key) => !key.startsWith(`${topic}/`))).toEqual([])
  }, 120_000)

  it('a-topics-records-and-positions-are-no-other-topics', async () => {
    const broker = await connect()
    const [base, group] = [name('t'), name('g')]
    // Names that a careless driver could take for each other.
    const names = [base, `${base}-0`, `${base}.0`, `${base}.${group}`, base.toUpperCase()]
    const topics = names.map((each) => stepTopic(each, 1))
    for (const topic of topics) await broker.declare(topic)
    const [first, ...others] = topics
    await broker.producer(first!).sendAll(steps(1, 3))
    for (const [index, topic] of others.entries())
      await broker.producer(topic).send({ key: topic.name, count: 100 + index })
    const seen: string[] = []
    for (const topic of topics) {
      const subscription = await broker.subscribe(topic, { group }, ({ value }) => {
        seen.push(`${topic.name} ${value.count}`)
      })
      const expected = topic === first ? 3 : 1
      await eventually(() => seen.filter((line) => line.startsWith(`${topic.name} `)).length === expected, {
        what: `the records of ${topic.name}`,
        ...JOINED,
      })
      await subscription.stop()
      expect((await broker.groups.describe(group, topic)).positions[0]?.lag).toBe(0)
    }
    expect(seen).toEqual([
      ...[0, 1, 2].map((count) => `${base} ${count}`),
      ...others.map((topic, index) => `${topic.name} ${100 + index}`),
    ])
  }, 120_000)

  it('no-next-record-of-a-key-begins-before-the-one-before-has-finished', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(6, 12))
    const running = new Map<string, number>()
    const overlaps: string[] = []
    const finished: Step[] = []
    let atOnce = 0
    let most = 0
    await broker.subscribe(
      topic,
      { group: name('g'), concurrency: 16, retry: { attempts: 20, minDelayMs: 1, maxDelayMs: 3 } },
      async ({ value: { key, count }, attempt }) => {
        const other = running.get(key)
        if (other !== undefined) overlaps.push(`${key}#${count} began during #${other}`)
        running.set(key, count)
        most = Math.max(most, ++atOnce)
        await new Promise((resolve) => setTimeout(resolve, (count * 7) % 4))
        atOnce--
        running.delete(key)
        if (count % 5 === 2 && attempt < 3) throw new Error('again')
        finished.push({ key, count })
      },
    )
    await eventually(() => finished.length === 72, { what: 'all are finished' })
    expect(overlaps).toEqual([])
    expect(most).toBeGreaterThan(1)
    for (let key = 0; key < 6; key++) {
      expect(finished.flatMap((step) => (step.key === `key-${key}` ? [step.count] : []))).toEqual([...Array(12).keys()])
    }
  })
})
