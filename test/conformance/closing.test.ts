import { expect } from '@jest/globals'
import type { DrawbridgeError } from '../../src/index.ts'
import { type Attempt, judgeAppends, NO_FINDINGS } from '../kit/append-log.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { steps, stepTopic } from './steps.ts'

onEveryBackend('closing', ({ it, connect, name }) => {
  it('a-close-during-heavy-publish-loses-nothing-acknowledged', async () => {
    const [reader, broker] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic, { maxBatchRecords: 20 })
    const sends: Promise<Attempt>[] = []
    let acknowledged = 0
    const send = (count: number) => {
      const about = { partition: 0, values: [`${count}`] }
      sends.push(
        producer.send({ key: 'k', count }).then(
          ({ offset }) => {
            acknowledged++
            return { ...about, outcome: 'acknowledged', firstOffset: offset }
          },
          ({ details }: DrawbridgeError) => ({
            ...about,
            outcome: (details.outcome ?? 'unknown') as Attempt['outcome'],
            firstOffset: null,
          }),
        ),
      )
    }
    let closing: Promise<void> | undefined
    for (let count = 0; closing === undefined || count % 100 !== 0; count++) {
      send(count)
      if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      // In the midst of it: some are acknowledged, some under way, some only accepted, and more are yet to come.
      if (acknowledged >= 200) closing ??= broker.close()
    }
    await closing
    const attempts = await Promise.all(sends)
    const log = (await collect(reader.read(topic, { to: 'end' }))).map(({ partition, offset, value }) => ({
      partition,
      offset,
      value: `${value.count}`,
    }))
    expect(judgeAppends(attempts, log)).toEqual(NO_FINDINGS)
    const count = (outcome: Attempt['outcome']) => attempts.filter((attempt) => attempt.outcome === outcome).length
    expect(count('acknowledged')).toBeGreaterThanOrEqual(200)
    // A close is no accident: what was accepted is finished, and what was not is known not to be written.
    expect(count('unknown')).toBe(0)
  }, 120_000)

  it('many-may-close-at-once-and-each-close-resolves', async () => {
    const [other, broker] = [await connect(), await connect()]
    const topics = [stepTopic(name('t'), 3), stepTopic(name('t'), 2)]
    for (const topic of topics) await broker.declare(topic)
    let handled = 0
    const subscriptions = await Promise.all(
      topics.flatMap((topic) =>
        [0, 1].map(() => broker.subscribe(topic, { group: `g-${topic.name}`, concurrency: 4 }, () => void handled++)),
      ),
    )
    const producers = topics.map((topic) => broker.producer(topic))
    await Promise.all(producers.map((producer) => producer.sendAll(steps(9, 20))))
    await eventually(() => handled > 0, { what: 'handlers run', timeoutMs: 60_000 })
    await Promise.all([
      ...subscriptions.map((each) => each.stop()),
      ...producers.map((each) => each.close()),
      broker.close(),
      ...subscriptions.map((each) => each.stop()),
      broker.close(),
    ])
    await Promise.all([...subscriptions.map((each) => each.done), broker.close()])
    expect(subscriptions.map((each) => each.status().state)).toEqual(['STOPPED', 'STOPPED', 'STOPPED', 'STOPPED'])
    // Everybody has left, and what was finished is committed.
    for (const topic of topics) {
      await eventually(async () => (await other.groups.describe(`g-${topic.name}`, topic)).members.length === 0, {
        what: 'nobody is left in the group',
        timeoutMs: 60_000,
      })
    }
    const lags = await Promise.all(
      topics.map(async (topic) =>
        (await other.groups.describe(`g-${topic.name}`, topic)).positions.reduce((sum, { lag }) => sum + lag, 0),
      ),
    )
    expect(360 - lags.reduce((sum, lag) => sum + lag, 0)).toBe(handled)
  }, 120_000)

  it('a-group-goes-on-after-errors-and-restarts-without-losing-a-record', async () => {
    const topic = stepTopic(name('t'), 3)
    const group = name('g')
    const first = await connect()
    await first.declare(topic)
    await first.producer(topic).sendAll(steps(9, 5))
    const failures = new Map<string, number>()
    const finished = new Set<string>()
    // Every record fails twice, whoever holds it, and its holder is closed again and again meanwhile.
    for (let round = 0; finished.size < 45; round++) {
      expect(round).toBeLessThan(60)
      const broker = await connect()
      let calls = 0
      const subscription = await broker.subscribe(
        topic,
        { group, concurrency: 3, retry: { attempts: 1e6, minDelayMs: 1, maxDelayMs: 2 } },
        ({ value: { key, count } }) => {
          calls++
          const record = `${key}#${count}`
          const failed = failures.get(record) ?? 0
          failures.set(record, failed + 1)
          if (failed < 2) throw new Error('not yet')
          finished.add(record)
        },
      )
      await eventually(() => calls >= 40 || finished.size === 45, { what: 'some calls', timeoutMs: 60_000 })
      await subscription.stop()
      await broker.close()
    }
    const { positions } = await first.groups.describe(group, topic)
    expect(positions.reduce((sum, { lag }) => sum + lag, 0)).toBe(0)
    expect(await first.topics.list()).not.toContain(`${topic.name}.${group}.dead`)
  }, 120_000)
})
