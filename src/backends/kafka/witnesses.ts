import { hasCode } from '../../core/errors.ts'
import { NO_HEADERS } from '../../core/record.ts'
import { KEPT_FOR_EVER } from '../../core/topic-spec.ts'
import type { Appender } from './appender.ts'
import { type Cluster, persist } from './cluster.ts'
import { LATEST, askOffsets } from './offsets.ts'
import type { RecordReader, ReaderOptions } from '../../core/backend.ts'

/** That a group was here, and on how much of which life of the topic. */
export interface Witness {
  readonly incarnation: string
  /** Partitions that existed when the group last began or grew. */
  readonly partitions: number
}

/**
 * Kafka forgets a group's positions a week after its last member left (offsets.retention.minutes), the metadata of
 * commits with them, and answers then as if the group had never been. So it stands in a compacted topic of ours, which
 * nothing expires, that it was.
 */
export interface Witnesses {
  get(group: string, topic: string): Promise<Witness | undefined>
  put(group: string, topic: string, witness: Witness): Promise<void>
  /** Nothing where there was none. */
  remove(group: string, topic: string): Promise<void>
  /** Of all groups. */
  removeTopic(topic: string): Promise<void>
}

export const WITNESS_TOPIC = 'drawbridge.groups'
export const WITNESS_SPEC = { ...KEPT_FOR_EVER, name: WITNESS_TOPIC, partitions: 1, compact: true }
const LIMITS = { maxRecords: 10_000, maxBytes: 1_048_576 }

export interface WitnessParts {
  readonly cluster: Cluster
  readonly appender: Appender
  openReader(options: ReaderOptions): RecordReader
  /** Whether the topic is there, or is there now. */
  needTopic(): Promise<boolean>
}

export function createWitnesses({ cluster, appender, openReader, needTopic }: WitnessParts): Witnesses {
  const known = new Map<string, Witness>()
  let readTo = 0
  let reading: Promise<void> = Promise.resolve()

  return {
    async get(group, topic) {
      await refresh()
      return known.get(keyOf(group, topic))
    },
    async put(group, topic, witness) {
      await refresh()
      const before = known.get(keyOf(group, topic))
      if (before?.incarnation === witness.incarnation && before.partitions >= witness.partitions) return
      if (await needTopic()) await append(keyOf(group, topic), JSON.stringify(witness))
    },
    async remove(group, topic) {
      await refresh()
      if (known.has(keyOf(group, topic))) await append(keyOf(group, topic), null)
    },
    async removeTopic(topic) {
      await refresh()
      for (const key of known.keys()) {
        if (topicOf(key) === topic) await append(key, null)
      }
    },
  }

  async function append(key: string, value: string | null): Promise<void> {
    const record = {
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: NO_HEADERS,
      timestamp: Date.now(),
    }
    await persist(() => appender.append(WITNESS_TOPIC, 0, [record]))
  }

  function refresh(): Promise<void> {
    const mine = reading.then(readOn)
    reading = mine.catch(() => undefined)
    return mine
  }

  async function readOn(): Promise<void> {
    let end: number
    try {
      end = (await persist(() => askOffsets(cluster, WITNESS_TOPIC, LATEST)))[0] ?? 0
    } catch (error) {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return
      throw error
    }
    if (readTo >= end) return
    const reader = openReader({
      topic: WITNESS_TOPIC,
      ranges: [{ partition: 0, from: readTo, to: end }],
      limits: LIMITS,
    })
    try {
      for (let records = await reader.pull(0); records !== null && records.length > 0; records = await reader.pull(0)) {
        for (const { key, value } of records) learn(key?.toString() ?? '', value)
      }
    } finally {
      await reader.close()
    }
    readTo = end
  }

  function learn(key: string, value: Buffer | null): void {
    if (value === null) known.delete(key)
    else {
      const witness = parseWitness(key, value.toString())
      if (witness !== undefined) known.set(key, witness)
    }
  }
}

/** Undefined for what is none: anybody may write to a topic. */
function parseWitness(key: string, value: string): Witness | undefined {
  try {
    const names = JSON.parse(key) as unknown
    const { incarnation, partitions } = JSON.parse(value) as Partial<Witness>
    const whole = Array.isArray(names) && typeof incarnation === 'string' && Number.isInteger(partitions)
    return whole ? { incarnation, partitions: Number(partitions) } : undefined
  } catch {
    return undefined
  }
}

function keyOf(group: string, topic: string): string {
  return JSON.stringify([group, topic])
}

function topicOf(key: string): string {
  return (JSON.parse(key) as [string, string])[1]
}
