import type { Backend, Feed } from './backend.ts'
import type { Subscription } from './broker.ts'
import type { Clock } from './clock.ts'
import { errorText } from './errors.ts'
import type { Log } from './log.ts'
import { isReplayed } from './replay.ts'
import type { ReplayRange } from './replay-bounds.ts'
import { sleep } from './wait.ts'

/** Time between two looks whether the whole group has come to the end, milliseconds. */
const FIRST_LOOK_MS = 50
const LAST_LOOK_MS = 1_000

/** The feed of a group that replays: it gives nothing from the range's end on, and its partitions end there. */
export function boundFeed(feed: Feed, { to }: ReplayRange): Feed {
  return {
    get memberId() {
      return feed.memberId
    },
    async pull(partition) {
      const end = to[partition] ?? 0
      return (await feed.pull(partition)).filter((record) => record.offset < end)
    },
    commit: (partition, next) => feed.commit(partition, next),
    isStale: () => feed.isStale?.() === true,
    close: () => feed.close(),
  }
}

export interface ReplayEndParts {
  readonly backend: Backend
  readonly clock: Clock
  readonly log: Log
  readonly topic: string
  readonly group: string
  readonly range: ReplayRange
  /** Aborts when the member ends for another reason. */
  readonly ended: AbortSignal
  status(): ReturnType<Subscription['status']>
}

/**
 * Resolves to true when the whole group has come to the end of its replay, to false when this member ends before. A member
 * that has done its own part stays: the part of one that dies becomes its own.
 */
export async function atReplayEnd(parts: ReplayEndParts): Promise<boolean> {
  const { backend, clock, log, topic, group, range, ended } = parts
  for (let waitMs = FIRST_LOOK_MS; await sleep(clock, waitMs, ended); waitMs = Math.min(2 * waitMs, LAST_LOOK_MS)) {
    if (parts.status().partitions.some(({ inFlight }) => inFlight > 0)) continue
    try {
      if (await isReplayed(backend, group, topic, range)) return true
    } catch (error) {
      log.warn({ topic, group, error: errorText(error) }, 'cannot tell yet whether the replay has come to its end')
    }
  }
  return false
}
