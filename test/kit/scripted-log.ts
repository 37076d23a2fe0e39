import { randomUUID } from 'node:crypto'
import { onePull } from '../../src/backends/one-pull.ts'
import { checkSize, partitionUnknown } from '../../src/backends/refusals.ts'
import type { PullLimits, TopicDescription } from '../../src/core/backend.ts'
import type { Clock } from '../../src/core/clock.ts'
import { DrawbridgeError } from '../../src/core/errors.ts'
import { type NewRecord, recordBytes, type StoredRecord } from '../../src/core/record.ts'
import { specText, type TopicSpec } from '../../src/core/topic-spec.ts'
import { createWakeup, type Wakeup } from '../../src/core/wait.ts'

export interface ScriptedPartition {
  records: readonly StoredRecord[]
  first: number
  end: number
}

export interface ScriptedTopic {
  spec: TopicSpec
  readonly incarnation: string
  readonly partitions: ScriptedPartition[]
  /** Wakes whenever a waiting pull may have to look again. */
  readonly changed: Wakeup
}

/** The topics of the scripted broker, in memory. */
export interface ScriptedLog {
  create(spec: TopicSpec): void
  widen(name: string, partitions: number): void
  remove(name: string): void
  /** ERR_TOPIC_UNKNOWN. */
  topic(name: string): ScriptedTopic
  names(): readonly string[]
  describe(name: string): TopicDescription
  append(name: string, partition: number, records: readonly NewRecord[]): { firstOffset: number }
  /** The first record not appended before; the end if none. */
  offsetsAt(name: string, timestamp: number): readonly number[]
  /** Retention passes this offset. */
  expire(name: string, partition: number, below: number): void
}

export function createScriptedLog(clock: Clock): ScriptedLog {
  const topics = new Map<string, ScriptedTopic>()

  function topic(name: string): ScriptedTopic {
    const found = topics.get(name)
    if (found !== undefined) return found
    throw new DrawbridgeError('ERR_TOPIC_UNKNOWN', `topic ${name} does not exist`, {
      details: { topic: name, outcome: 'not-written' },
    })
  }

  function partitionOf(name: string, partition: number): ScriptedPartition {
    const { partitions } = topic(name)
    const found = partitions[partition]
    if (found === undefined) throw partitionUnknown(name, partition, partitions.length)
    return found
  }

  const grow = ({ partitions, spec }: ScriptedTopic) => {
    while (partitions.length < spec.partitions) partitions.push({ records: [], first: 0, end: 0 })
  }

  return {
    topic,
    names: () => [...topics.keys()].sort(),
    create(spec) {
      const there = topics.get(spec.name)
      if (there !== undefined) {
        if (specText(there.spec) === specText(spec)) return
        throw new DrawbridgeError('ERR_TOPIC_DIFFERS', `topic ${spec.name} exists with ${specText(there.spec)}`)
      }
      const made = { spec, incarnation: randomUUID(), partitions: [], changed: createWakeup() }
      grow(made)
      topics.set(spec.name, made)
    },
    widen(name, partitions) {
      const widened = topic(name)
      if (partitions < widened.spec.partitions) {
        throw new DrawbridgeError('ERR_CONFIG', `topic ${name} has ${widened.spec.partitions} partitions already`)
      }
      widened.spec = { ...widened.spec, partitions }
      grow(widened)
    },
    remove(name) {
      topic(name).changed.wake()
      topics.delete(name)
    },
    describe(name) {
      const { spec, incarnation, partitions } = topic(name)
      return { ...spec, incarnation, ranges: partitions.map(({ first, end }) => ({ first, end })) }
    },
    append(name, partition, records) {
      const stored = partitionOf(name, partition)
      for (const [index, record] of records.entries()) checkSize(name, partition, index, record)
      const firstOffset = stored.end
      const appendedAt = clock.now()
      const added = records.map((record, index) => ({ ...record, offset: firstOffset + index, appendedAt }))
      stored.records = [...stored.records, ...added]
      stored.end += records.length
      topic(name).changed.wake()
      return { firstOffset }
    },
    offsetsAt: (name, timestamp) =>
      topic(name).partitions.map(
        ({ records, end }) => records.find(({ appendedAt }) => appendedAt >= timestamp)?.offset ?? end,
      ),
    expire(name, partition, below) {
      const stored = partitionOf(name, partition)
      stored.first = Math.max(stored.first, below)
      stored.end = Math.max(stored.end, below)
      stored.records = stored.records.filter(({ offset }) => offset >= stored.first)
    },
  }
}

/** Reads one partition from an offset on. */
export interface ScriptedCursor {
  /** Where the next pull begins. */
  readonly next: number
  /** As RecordReader.pull. */
  pull(): Promise<readonly StoredRecord[] | null>
  /** Resolves the pending pull and all later ones to []. */
  end(): void
}

export function openCursor(
  topic: ScriptedTopic,
  { partition, from, to = Infinity }: { readonly partition: number; readonly from: number; readonly to?: number },
  limits: PullLimits,
): ScriptedCursor {
  let next = from
  let ended = false

  function take(): readonly StoredRecord[] {
    const batch: StoredRecord[] = []
    let bytes = 0
    for (const record of topic.partitions[partition]?.records ?? []) {
      if (record.offset < next || record.offset >= to) continue
      bytes += recordBytes(record)
      if (batch.length > 0 && (batch.length >= limits.maxRecords || bytes > limits.maxBytes)) break
      batch.push(record)
    }
    return batch
  }

  async function nextRecords(): Promise<StoredRecord[] | null> {
    for (;;) {
      if (ended) return []
      if (next >= to) return null
      const batch = take()
      next = batch.length === 0 ? next : (batch.at(-1)?.offset ?? next) + 1
      // The holder's buffers are its own.
      if (batch.length > 0) return batch.map(copyOf)
      await topic.changed.wait()
    }
  }

  return {
    get next() {
      return next
    },
    pull: onePull(`partition ${partition}`, nextRecords),
    end() {
      ended = true
      topic.changed.wake()
    },
  }
}

function copyOf(record: StoredRecord): StoredRecord {
  const bytes = (value: Buffer | null) => (value === null ? null : Buffer.from(value))
  const headers = record.headers.map(([name, value]) => [name, bytes(value)] as const)
  return { ...record, key: bytes(record.key), value: bytes(record.value), headers }
}
