import { expect } from '@jest/globals'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { type Step, steps, stepTopic } from './steps.ts'

/** Within this time producers and groups see new partitions. */
const WIDENED_MS = 30_000

onEveryBackend('widening', ({ it, connect, name }) => {
  it('a-key-stays-in-its-partition-whoever-sends-it', async () => {
    const [first, second] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 5)
    await first.declare(topic)
    for (const broker of [first, second, first]) await broker.producer(topic).sendAll(steps(40, 3))
    const partitions = new Map<string, Set<number>>()
    for (const { partition, value, key } of await collect(second.read(topic, { to: 'end' }))) {
      expect(key?.toString()).toBe(value.key)
      partitions.set(value.key, (partitions.get(value.key) ?? new Set()).add(partition))
    }
    expect([...partitions.values()].filter((each) => each.size !== 1)).toEqual([])
    // Where the broker's other clients would put it, and spread over all.
    for (const [key, [partition]] of partitions) expect(first.backend.partitionFor(Buffer.from(key), 5)).toBe(partition)
    expect(new Set([...partitions.values()].flatMap((each) => [...each])).size).toBe(5)
  })

  it('producers-and-groups-see-new-partitions-and-nothing-is-missed', async () => {
    const [admin, broker] = [await connect(), await connect()]
    const topic = stepTopic(name('t'), 2)
    const group = name('g')
    await broker.declare(topic)
    const seen: (Step & { partition: number })[] = []
    await broker.subscribe(topic, { group, from: 'latest', concurrency: 4 }, ({ value, partition }) => {
      seen.push({ ...value, partition })
    })
    const producer = broker.producer(topic)
    let sent = 0
    const send = async () => {
      for (const key of steps(20, 1).map((step) => step.key)) await producer.send({ key, count: sent })
      sent++
    }
    await send()
    await eventually(() => seen.length === 20, { what: 'records of two partitions are handled', timeoutMs: 60_000 })
    await admin.topics.widen(topic.name, 4)
    // A producer that sends finds them by itself, and so does the group: every record arrives, also those of the first moment.
    const used = () => new Set(seen.map(({ partition }) => partition))
    await eventually(
      async () => {
        await send()
        return used().size === 4
      },
      { what: 'records come through the new partitions', timeoutMs: WIDENED_MS, intervalMs: 200 },
    )
    // At least once: what the hand-over repeats is no loss.
    const handled = () => new Set(seen.map(({ key, count }) => `${key}#${count}`)).size
    await eventually(() => handled() === 20 * sent, {
      what: 'everything sent is handled',
      timeoutMs: WIDENED_MS,
    })
    await eventually(async () => (await admin.groups.describe(group, topic)).positions.every(({ lag }) => lag === 0), {
      what: 'lag reaches 0',
      timeoutMs: WIDENED_MS,
    })
    // Between two widenings a key has one place.
    const places = new Map<string, Set<number>>()
    for (const { key, partition } of seen) places.set(key, (places.get(key) ?? new Set()).add(partition))
    expect([...places.values()].filter((each) => each.size > 2)).toEqual([])
  }, 120_000)
})
