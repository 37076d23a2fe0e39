import type { Broker, ReadOptions } from '../../core/broker.ts'
import type { Topic } from '../../core/topic.ts'

export interface Replayed {
  /** Per partition, the offset the replay began at. */
  readonly from: readonly number[]
  readonly expected: number
  /** Distinct records handled. */
  readonly handled: number
}

/** Read, not reckoned from offsets: a broker may leave gaps between them. */
export async function countRecords(broker: Broker, topic: Topic<unknown>, range: ReadOptions): Promise<number> {
  let records = 0
  for await (const _ of broker.read(topic, range)) records++
  return records
}

/** Replays the second half of every partition into a side group; no other group's position is touched. */
export async function replaySecondHalf(
  broker: Broker,
  topicName: string,
  group: string,
  signal: AbortSignal,
): Promise<Replayed> {
  const topic = await broker.topic(topicName)
  const { ranges } = await broker.topics.describe(topicName)
  const from = ranges.map(({ first, end }) => first + Math.floor((end - first) / 2))
  const offsets = Object.fromEntries(from.entries())
  const expected = await countRecords(broker, topic, { from: { offsets }, to: 'end', signal })
  await broker.groups.reset(group, topicName, { to: { offsets } })

  const handled = new Set<string>()
  const complete = Promise.withResolvers<void>()
  if (expected === 0) complete.resolve()
  signal.addEventListener('abort', () => complete.resolve(), { once: true })
  const subscription = await broker.subscribe(topic, { group, concurrency: 16 }, ({ partition, offset }) => {
    handled.add(`${partition}:${offset}`)
    if (handled.size >= expected) complete.resolve()
  })
  await Promise.race([complete.promise, subscription.done])
  await subscription.stop()
  return { from, expected, handled: handled.size }
}
