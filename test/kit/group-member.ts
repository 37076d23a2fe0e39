import type { Assignment, Backend, Feed, PullLimits, StartPosition } from '../../src/core/backend.ts'
import type { StoredRecord } from '../../src/core/record.ts'

export interface JoinOptions {
  readonly group: string
  readonly topic: string
  /** Default `earliest`. */
  readonly from?: StartPosition
  readonly limits?: PullLimits
  /** Whether every partition is pulled as soon as it is assigned (default). */
  readonly pull?: boolean
  /** Whether what was pulled is committed at once. */
  readonly commit?: boolean
  onRevoke?(partitions: readonly number[], member: GroupMember): Promise<void>
}

/** A member of a group that notes down all it is told. */
export interface GroupMember {
  readonly feed: Feed
  /** Partitions assigned and neither revoked nor lost, ascending. */
  held(): readonly number[]
  readonly assignments: readonly Assignment[]
  readonly revoked: readonly number[]
  readonly lost: readonly number[]
  readonly failures: readonly Error[]
  /** Everything pulled, in order of arrival. */
  readonly records: readonly (StoredRecord & { readonly partition: number })[]
  /** Values pulled, as text. */
  values(partition?: number): readonly string[]
  /** Ends of the pulling of partitions: a partition stands here once its pull has resolved to []. */
  readonly drained: readonly number[]
  /** What it was told against the rules of the contract. */
  readonly breaches: readonly string[]
}

export const LIMITS: PullLimits = { maxRecords: 500, maxBytes: 1_048_576 }

/** Joins a group and pulls all it is given. */
export async function joinGroup(backend: Backend, options: JoinOptions): Promise<GroupMember> {
  const { group, topic, from = 'earliest', limits = LIMITS, pull = true, commit = false } = options
  const held = new Set<number>()
  const assignments: Assignment[] = []
  const revoked: number[] = []
  const lost: number[] = []
  const failures: Error[] = []
  const drained: number[] = []
  const breaches: string[] = []
  const records: (StoredRecord & { partition: number })[] = []
  /** Where the next record of a partition may not be below. */
  const next = new Map<number, number>()
  const opened = Promise.withResolvers<Feed>()

  function take(partition: number, what: string): void {
    if (!held.delete(partition)) breaches.push(`partition ${partition} ${what} without being held`)
  }

  async function pullAll(partition: number): Promise<void> {
    const feed = await opened.promise
    for (;;) {
      const batch = await feed.pull(partition)
      if (batch.length === 0) break
      for (const record of batch) {
        if (record.offset < (next.get(partition) ?? 0)) {
          breaches.push(`offset ${record.offset} of partition ${partition} came after ${next.get(partition)} was due`)
        }
        next.set(partition, record.offset + 1)
        records.push({ ...record, partition })
      }
      if (commit) await feed.commit(partition, (batch.at(-1)?.offset ?? 0) + 1)
    }
    drained.push(partition)
  }

  const feed = await backend.openFeed({
    group,
    topic,
    from,
    limits,
    onAssign(assignment) {
      const { partition, position } = assignment
      if (held.has(partition)) breaches.push(`partition ${partition} was assigned twice`)
      held.add(partition)
      assignments.push(assignment)
      next.set(partition, position)
      // A pull or commit that is refused for reasons of hand-over says so to the tests that ask for it.
      if (pull) pullAll(partition).catch((error: unknown) => failures.push(error as Error))
    },
    async onRevoke(partitions) {
      for (const partition of partitions) if (!held.has(partition)) take(partition, 'was revoked')
      await options.onRevoke?.(partitions, member)
      for (const partition of partitions) {
        held.delete(partition)
        revoked.push(partition)
      }
    },
    onLost(partitions) {
      for (const partition of partitions) {
        take(partition, 'was lost')
        lost.push(partition)
      }
    },
    onFailed: (error) => void failures.push(error),
  })
  const member: GroupMember = {
    feed,
    held: () => [...held].sort((a, b) => a - b),
    assignments,
    revoked,
    lost,
    failures,
    records,
    values: (partition) =>
      records
        .filter((record) => partition === undefined || record.partition === partition)
        .map(({ value }) => String(value)),
    drained,
    breaches,
  }
  opened.resolve(feed)
  return member
}
