import type { Backend, PullLimits } from '../../../src/core/backend.ts'
import { type DrawbridgeError, isDrawbridgeError } from '../../../src/core/errors.ts'
import type { NewRecord, StoredRecord } from '../../../src/core/record.ts'
import type { TopicSpec } from '../../../src/core/topic-spec.ts'
import type { EventuallyOptions } from '../../kit/eventually.ts'
import { LIMITS } from '../../kit/group-member.ts'

/** How long a broker may take to notice and settle what a test waits for: a session's end, a rebalance. */
export function settled(what: string): EventuallyOptions {
  return { what, timeoutMs: 60_000 }
}

export function topicSpec(name: string, partitions = 1, more: Partial<TopicSpec> = {}): TopicSpec {
  return { name, partitions, compact: false, retentionMs: null, retentionBytes: null, ...more }
}

/** A topic made for the test, by its name. */
export async function createTopic(backend: Backend, name: string, partitions = 1, more: Partial<TopicSpec> = {}) {
  await backend.createTopic(topicSpec(name, partitions, more))
  return name
}

export function record(value: string | Buffer | null, more: Partial<NewRecord> = {}): NewRecord {
  return {
    key: null,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: [],
    timestamp: 1_700_000_000_000,
    ...more,
  }
}

/** Appends each text as a record, all in one append. */
export function appendTexts(backend: Backend, topic: string, texts: readonly string[], partition = 0) {
  return backend.append(
    topic,
    partition,
    texts.map((text) => record(text)),
  )
}

/** `PREFIX-0` to `PREFIX-(count - 1)`. */
export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n}`)
}

export interface Range {
  readonly from?: number
  readonly to?: number
  readonly limits?: PullLimits
}

/** Everything of a partition within a range, from the first record to the end that `describeTopic` names if not told. */
export async function readAll(
  backend: Backend,
  topic: string,
  partition = 0,
  { from, to, limits = LIMITS }: Range = {},
): Promise<readonly StoredRecord[]> {
  const { ranges } = await backend.describeTopic(topic)
  const range = ranges[partition]
  if (range === undefined) throw new Error(`topic ${topic} has no partition ${partition}`)
  const reader = await backend.openReader({
    topic,
    ranges: [{ partition, from: from ?? range.first, to: to ?? range.end }],
    limits,
  })
  const all: StoredRecord[] = []
  for (let batch = await reader.pull(partition); batch !== null; batch = await reader.pull(partition)) {
    if (batch.length === 0) throw new Error('a bounded read ended with []: it was closed')
    all.push(...batch)
  }
  await reader.close()
  return all
}

export function textsOf(records: readonly StoredRecord[]): readonly (string | undefined)[] {
  return records.map(({ value }) => value?.toString())
}

/** The error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<DrawbridgeError> {
  const answer = await call.then(
    () => 'it was not refused',
    (error: unknown) => error,
  )
  if (isDrawbridgeError(answer)) return answer
  throw answer instanceof Error ? answer : new Error(String(answer))
}

/** The code a call ends with; `ok` where it resolves. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => (isDrawbridgeError(error) ? error.code : String(error)),
  )
}

/** The group's committed position of every partition. */
export async function positionsOf(backend: Backend, group: string, topic: string): Promise<readonly (number | null)[]> {
  return (await backend.describeGroup(group, topic)).positions.map(({ next }) => next)
}

export async function lagOf(backend: Backend, group: string, topic: string): Promise<number> {
  return (await backend.describeGroup(group, topic)).positions.reduce((sum, { lag }) => sum + lag, 0)
}

export async function endsOf(backend: Backend, topic: string): Promise<readonly number[]> {
  return (await backend.describeTopic(topic)).ranges.map(({ end }) => end)
}
