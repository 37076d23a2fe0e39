import type { Backend, StartPosition, TopicDescription } from './backend.ts'
import type { From, To } from './broker.ts'
import { DrawbridgeError } from './errors.ts'

type Ranges = TopicDescription['ranges']

/** What a user wrote as `from`, checked and in the backend's terms. ERR_CONFIG says what is wrong. */
export function parseStart(from: From | undefined, topic: TopicDescription): StartPosition {
  if (from === undefined || from === 'earliest') return 'earliest'
  if (from === 'latest') return 'latest'
  if (typeof from === 'number') return { offsets: offsetsByPartition(from, topic) }
  if (typeof from === 'object' && from !== null && 'offsets' in from)
    return { offsets: offsetsByPartition(from.offsets, topic) }
  if (typeof from === 'object' && from !== null && 'timestamp' in from) return { timestamp: parseTime(from.timestamp) }
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `position ${JSON.stringify(from)}: use earliest, latest, an offset, { offsets } or { timestamp }`,
  )
}

/** The offset each partition begins at; a partition without an offset of its own begins at its beginning. */
export async function resolveFrom(
  backend: Backend,
  topic: TopicDescription,
  from: From | 'end' | undefined,
): Promise<readonly number[]> {
  const start = from === 'end' ? 'latest' : parseStart(from, topic)
  if (start === 'earliest') return topic.ranges.map((range) => range.first)
  if (start === 'latest') return topic.ranges.map((range) => range.end)
  if ('timestamp' in start) return await backend.offsetsAt(topic.name, start.timestamp)
  return topic.ranges.map((range, partition) => start.offsets[partition] ?? range.first)
}

/** The offset each partition ends before; undefined: live. A partition that an `offsets` form does not name is not read. */
export async function resolveTo(
  backend: Backend,
  topic: TopicDescription,
  to: To | undefined,
): Promise<readonly (number | undefined)[]> {
  if (to === undefined) return topic.ranges.map(() => undefined)
  if (to === 'end') return topic.ranges.map((range) => range.end)
  if (typeof to === 'object' && to !== null && 'timestamp' in to)
    return await backend.offsetsAt(topic.name, parseTime(to.timestamp))
  const asked = typeof to === 'object' && to !== null ? to.offsets : to
  const offsets = offsetsByPartition(asked, topic)
  return topic.ranges.map((range, partition) => offsets[partition] ?? range.first)
}

function offsetsByPartition(
  asked: number | Readonly<Record<number, number>>,
  topic: TopicDescription,
): Readonly<Record<number, number>> {
  const partitions = topic.ranges.length
  if (typeof asked === 'number') {
    if (partitions === 1) return { 0: checkOffset(asked, 0, topic.ranges) }
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `offset ${asked}: topic ${topic.name} has ${partitions} partitions; name one offset for each, as { offsets: { 0: ${asked}, … } } (0:${asked},1:… on the command line)`,
    )
  }
  for (const [partition, offset] of Object.entries(asked)) {
    if (topic.ranges[Number(partition)] === undefined) {
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `partition ${partition}: topic ${topic.name} has partitions 0 to ${partitions - 1}`,
      )
    }
    checkOffset(offset, Number(partition), topic.ranges)
  }
  return asked
}

function checkOffset(offset: number, partition: number, ranges: Ranges): number {
  if (Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `offset ${String(offset)} of partition ${partition} is not a whole number from 0 up (the partition ends at ${ranges[partition]?.end})`,
  )
}

function parseTime(time: string | Date | number): number {
  const ms = typeof time === 'string' ? Date.parse(time) : Number(time)
  if (Number.isFinite(ms)) return ms
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `timestamp ${JSON.stringify(time)} is not a time; write it as 2026-11-01T00:00:00Z`,
  )
}
