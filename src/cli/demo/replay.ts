import type { Broker } from '../../core/broker.ts'

export interface Replayed {
  /** Per partition, the offset the replay began at. */
  readonly from: readonly number[]
  readonly expected: number
  /** Distinct records handled. */
  readonly handled: number
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
  const expected = ranges.reduce((sum, { end }, partition) => sum + end - (from[partition] ?? 0), 0)
  await broker.groups.reset(group, topicName, { to: { offsets: Object.fromEntries(from.entries()) } })

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
