import { isDrawbridgeError } from '../../core/errors.ts'
import { commitOffsets } from './calls-groups.ts'
import type { Cluster } from './cluster.ts'
import { KAFKA, fenced } from './errors.ts'
import type { Membership } from './membership.ts'
import { moved } from './positions.ts'

export interface Commits {
  /** `isMine` is asked before every attempt. ERR_FENCED, ERR_BROKER_UNREACHABLE. */
  commit(partition: number, next: number, isMine: () => boolean): Promise<void>
}

interface Waiting {
  readonly partition: number
  readonly next: number
  /** When it was asked for (performance.now()). */
  readonly since: number
  isMine(): boolean
  resolve(): void
  reject(error: unknown): void
}

const TIMEOUT_MS = 5_000
const PATIENCE_MS = 5_000
const PAUSE_MS = 250

const GONE = new Set<number>([KAFKA.ILLEGAL_GENERATION, KAFKA.UNKNOWN_MEMBER_ID, KAFKA.FENCED_INSTANCE_ID])

/** Commits as a member, so that the broker refuses what comes too late. What waits while one is under way goes together. */
export function createCommits(
  cluster: Cluster,
  membership: Membership,
  { group, topic, lane }: { readonly group: string; readonly topic: string; readonly lane: string },
): Commits {
  let waiting: Waiting[] = []
  let busy = false

  return {
    commit: (partition, next, isMine) =>
      new Promise((resolve, reject) => {
        waiting.push({ partition, next, since: performance.now(), isMine, resolve, reject })
        if (busy) return
        busy = true
        queueMicrotask(() => void drain())
      }),
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await send(batch)
    }
    busy = false
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    const mine = batch.filter((each) => {
      if (each.isMine()) return true
      each.reject(fenced(group, topic, each.partition))
      return false
    })
    if (mine.length === 0) return
    const identity = membership.identity
    try {
      const positions = mine.map(({ partition, next }) => [partition, next] as const)
      const call = commitOffsets(identity, topic, positions)
      const errors = await cluster.toCoordinator(group, `${lane}beat`, call, TIMEOUT_MS)
      for (const each of mine) judge(each, errors.get(each.partition) ?? KAFKA.NONE, identity.generation)
    } catch (error) {
      for (const each of mine) later(each, error)
    }
  }

  function judge(each: Waiting, error: number, generation: number): void {
    if (error === KAFKA.NONE) return each.resolve()
    // Between join and sync nobody may commit; and what went out before a join may arrive after it, also while the answer to
    // the join is still on its way to us. In all these cases the partition can still be ours under the next generation, and
    // only that one tells.
    const joining = membership.joining()
    const isOld = joining !== undefined || membership.identity.generation !== generation
    const overtaken = error === KAFKA.ILLEGAL_GENERATION && isOld
    if (error === KAFKA.REBALANCE_IN_PROGRESS || overtaken) {
      void Promise.resolve(joining).then(() => again(each))
    } else if (GONE.has(error)) {
      membership.verify()
      each.reject(fenced(group, topic, each.partition, new Error(`Kafka error ${error}`)))
    } else later(each, moved(cluster, group, error))
  }

  /** A commit may be repeated; one that the cluster takes only after a change of coordinator need not be news. */
  function later(each: Waiting, error: unknown): void {
    const mends = isDrawbridgeError(error) && error.verdict === 'retry'
    if (!mends || performance.now() - each.since > PATIENCE_MS) each.reject(error)
    else setTimeout(() => again(each), PAUSE_MS)
  }

  function again(each: Waiting): void {
    waiting.push(each)
    if (busy) return
    busy = true
    void drain()
  }
}
