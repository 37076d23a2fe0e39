import { afterEach } from '@jest/globals'
import { openEmbedded } from '../../../../src/backends/embedded/backend.ts'
import { compactStore } from '../../../../src/backends/embedded/compaction.ts'
import { openLmdb } from '../../../../src/backends/embedded/lmdb.ts'
import { createReadStore } from '../../../../src/backends/embedded/reading.ts'
import type { Request } from '../../../../src/backends/embedded/requests.ts'
import { type WriterThread, openWriterThread } from '../../../../src/backends/embedded/writer-thread.ts'
import type { Assignment, Backend, Feed, FeedOptions } from '../../../../src/core/backend.ts'
import { type Clock, systemClock } from '../../../../src/core/clock.ts'
import { silentLog } from '../../../../src/core/log.ts'
import type { NewRecord, StoredRecord } from '../../../../src/core/record.ts'

const opened: { close(): Promise<void> }[] = []

export interface StoreOptions {
  readonly clock?: Clock
  /** How often it keeps house; the driver's own rhythm by default. */
  readonly sweepMs?: number
}

/** A store where only the test keeps house. */
export const UNKEPT: StoreOptions = { sweepMs: 0x7fffffff }

/** Opens the store; it is closed when the test ends. */
export async function openStore(dir: string, { clock = systemClock, ...keeping }: StoreOptions = {}): Promise<Backend> {
  const backend = await openEmbedded(`embedded:${dir}`, { log: silentLog, clock }, keeping)
  opened.push(backend)
  return backend
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.close()))
})

export function record(value: string): NewRecord {
  return { key: Buffer.from('key'), value: Buffer.from(value), headers: [], timestamp: 1 }
}

export function values(records: readonly StoredRecord[] | null): string[] | null {
  return records && records.map(({ value }) => String(value))
}

/** A member of a group that writes down what happens to it. */
export interface Member {
  readonly feed: Feed
  readonly assigned: Assignment[]
  readonly revoked: number[]
  readonly lost: number[]
  /** Partitions in hand now, sorted. */
  held(): number[]
}

export async function joinGroup(backend: Backend, topic: string, options: Partial<FeedOptions> = {}): Promise<Member> {
  const member = { assigned: [] as Assignment[], revoked: [] as number[], lost: [] as number[] }
  const held = new Set<number>()
  const leave = (partitions: readonly number[]): void => partitions.forEach((partition) => held.delete(partition))
  const feed = await backend.openFeed({
    group: 'group',
    topic,
    from: 'earliest',
    limits: { maxRecords: 100, maxBytes: 1_000_000 },
    onAssign: (assignment) => {
      member.assigned.push(assignment)
      held.add(assignment.partition)
    },
    onLost: (partitions) => {
      member.lost.push(...partitions)
      leave(partitions)
    },
    onFailed: () => undefined,
    ...options,
    onRevoke: async (partitions) => {
      await options.onRevoke?.(partitions)
      member.revoked.push(...partitions)
      leave(partitions)
    },
  })
  return { ...member, feed, held: () => [...held].sort((a, b) => a - b) }
}

/** Every record of a partition, as a reader of the whole range gets them. */
export async function readPartition(backend: Backend, topic: string, partition = 0): Promise<StoredRecord[]> {
  const range = (await backend.describeTopic(topic)).ranges[partition]
  const reader = await backend.openReader({
    topic,
    ranges: [{ partition, from: range?.first ?? 0, to: range?.end ?? 0 }],
    limits: { maxRecords: 500, maxBytes: 1_000_000 },
  })
  const records: StoredRecord[] = []
  for (let batch = await reader.pull(partition); batch !== null; batch = await reader.pull(partition)) {
    records.push(...batch)
  }
  await reader.close()
  return records
}

/** Compaction on its own, with the writer that carries it out, until the test ends; `sent` are the requests so far. */
export async function openCompaction(
  dir: string,
  options: { maxKeys?: number } = {},
): Promise<{ sent: Request[]; compact(skewMs?: number): Promise<void> }> {
  const writer = await openWriterThread(dir, silentLog, () => undefined)
  const db = openLmdb(dir, { readOnly: true })
  const sent: Request[] = []
  const send: WriterThread['send'] = (request, transfer) => {
    sent.push(request)
    return writer.send(request, transfer)
  }
  const read = createReadStore(db)
  opened.push({
    async close() {
      await db.close()
      await writer.close()
    },
  })
  return {
    sent,
    compact: (skewMs = 0) => compactStore({ read, send, skewMs: () => skewMs, isClosed: () => false, ...options }),
  }
}
