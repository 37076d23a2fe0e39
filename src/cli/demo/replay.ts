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
  const half = { from: { offsets: Object.fromEntries(from.entries()) } }
  const counted = await broker.topics.count(topicName, { ...half, signal })
  await broker.groups.replay(group, topicName, half)

  const handled = new Set<string>()
  const subscription = await broker.subscribe(topic, { group, concurrency: 16 }, ({ partition, offset }) => {
    handled.add(`${partition}:${offset}`)
  })
  signal.addEventListener('abort', () => void subscription.stop(), { once: true })
  if (signal.aborted) await subscription.stop()
  await subscription.done
  const expected = counted.reduce((sum, { records }) => sum + records, 0)
  return { from, expected, handled: handled.size }
}
