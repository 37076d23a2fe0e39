import type { Backend, TopicDescription } from './backend.ts'
import type { CountOptions, From, To } from './broker.ts'
import { DrawbridgeError } from './errors.ts'
import { resolveFrom, resolveTo } from './position.ts'
import { readBatches } from './raw-reader.ts'
import type { ReplayRange } from './replay-bounds.ts'

/** The offsets that `[from, to)` means now, `to` never beyond the end. */
export async function resolveRange(
  backend: Backend,
  topic: TopicDescription,
  { from, to }: { readonly from: From; readonly to?: To | undefined },
): Promise<ReplayRange> {
  const begin = await resolveFrom(backend, topic, from)
  const end = await resolveTo(backend, topic, to ?? 'end')
  return {
    from: begin,
    to: topic.ranges.map((range, partition) =>
      Math.max(begin[partition] ?? 0, Math.min(end[partition] ?? range.end, range.end)),
    ),
  }
}

/** ERR_CONFIG unless a group can go on from each of these offsets. */
export function checkRetained(offsets: readonly number[], topic: TopicDescription): readonly number[] {
  offsets.forEach((offset, partition) => {
    const range = topic.ranges[partition]
    if (range === undefined || (offset >= range.first && offset <= range.end)) return
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `offset ${offset} of partition ${partition}: topic ${topic.name} has offsets ${range.first} to ${range.end} there`,
    )
  })
  return offsets
}

/** How many records each partition has in the range. Reads them: a broker may leave gaps between offsets. ERR_ABORTED. */
export async function countRecords(
  backend: Backend,
  topic: string,
  { from, to }: ReplayRange,
  { signal, onCounted }: Pick<CountOptions, 'signal' | 'onCounted'>,
): Promise<readonly number[]> {
  const counts = from.map(() => 0)
  const ranges = from.map((offset, partition) => ({ partition, from: offset, to: to[partition] ?? offset }))
  let total = 0
  for await (const { partition, records } of readBatches(backend, topic, ranges, signal)) {
    counts[partition] = (counts[partition] ?? 0) + records.length
    onCounted?.((total += records.length))
  }
  return counts
}

/** True when the group has nothing left to do before the end of its replay. */
export async function isReplayed(
  backend: Backend,
  group: string,
  topic: string,
  { from, to }: ReplayRange,
): Promise<boolean> {
  const { positions } = await backend.describeGroup(group, topic)
  for (const [partition, end] of to.entries()) {
    const next = positions[partition]?.next ?? from[partition] ?? 0
    // The last offsets of a range may belong to no record, so a position below the end need not mean that one is left.
    if (next < end && (await hasRecord(backend, topic, { partition, from: next, to: end }))) return false
  }
  return true
}

async function hasRecord(
  backend: Backend,
  topic: string,
  range: { readonly partition: number; readonly from: number; readonly to: number },
): Promise<boolean> {
  const reader = await backend.openReader({ topic, ranges: [range], limits: { maxRecords: 1, maxBytes: 1 } })
  try {
    return (await reader.pull(range.partition)) !== null
  } finally {
    await reader.close()
  }
}
