import type { Assignment, Backend, Feed, StartPosition } from './backend.ts'
import type { Subscription, SubscriptionStatus } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import { createDeadLetters } from './dead-letter.ts'
import { DrawbridgeError, errorText } from './errors.ts'
import type { Log } from './log.ts'
import type { Message } from './message.ts'
import { type Attempt, createPartitionRunner, type PartitionRunner } from './partition-runner.ts'
import { atReplayEnd, boundFeed } from './replay-end.ts'
import type { ReplayBounds } from './replay-bounds.ts'
import type { RetryPolicy } from './retry.ts'
import type { Assembler, Work } from './work.ts'
import { nextTurn } from './wait.ts'

/** Records and bytes asked for in one pull. */
const PULL_LIMITS = { maxRecords: 500, maxBytes: 1_048_576 }

/** How soon a member that woke from a long pause looks again whether it still holds its partitions, milliseconds. */
const STALE_LOOK_MS = 20
/** For so long a member that was not stale is not asked again, milliseconds. */
const FRESH_MS = 5

export interface SubscriptionParts<T> {
  readonly backend: Backend
  readonly replays: Pick<ReplayBounds, 'find'>
  readonly topic: string
  readonly group: string
  readonly from: StartPosition
  readonly codec: Codec<T>
  readonly clock: Clock
  readonly log: Log
  readonly concurrency: number
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  readonly handlerTimeoutMs: number
  readonly onFailure: 'dead-letter' | 'stop' | 'continue'
  readonly retry: RetryPolicy
  readonly commitAhead: number | null
  readonly onPositionLost: 'earliest' | 'stop'
  readonly drainTimeoutMs: number
  /** It has stopped or failed. Told here, because whoever listened to `done` would make a failure look heard. */
  onEnded(): void
  assemble(emit: (work: Work<T>) => void): Assembler<T>
  handle(messages: readonly Message<T>[], signal: AbortSignal): Promise<void> | void
}

/** Joins the group and runs the handler over whatever partitions the group gives this member. */
export async function openSubscription<T>(parts: SubscriptionParts<T>): Promise<Subscription> {
  const { backend, topic, group, log, clock, concurrency } = parts
  const runners = new Map<number, PartitionRunner>()
  const deadLetters = createDeadLetters(backend, topic, group)
  const done = Promise.withResolvers<void>()
  /** Before that nobody can listen to `done`, and its rejection would end the process. */
  const handedOut = Promise.withResolvers<void>()
  let state: 'RUNNING' | 'DRAINING' | 'STOPPED' | 'FAILED' = 'RUNNING'
  let busy = 0
  let dispatching = false
  let order: readonly PartitionRunner[] = []
  let turn = 0
  let freshAt = Number.NEGATIVE_INFINITY
  let overdue = false
  let stopping: Promise<void> | undefined
  let leaving: Promise<void> | undefined
  /** Set once the group is joined, and it is known whether it replays. */
  const joined: { feed?: Feed } = {}
  const left = new AbortController()

  /** Gives free slots to the partitions in turn, so that none is held up by another. */
  function dispatch(): void {
    // A synchronous handler's finish makes further work ready inside this loop; the loop itself will find it.
    if (dispatching) return
    dispatching = true
    // Once it is to stop, only what was committed ahead may still begin.
    while (busy < concurrency && (state === 'RUNNING' || parts.commitAhead !== null)) {
      const now = clock.elapsed()
      if (isStale(now)) {
        clock.after(STALE_LOOK_MS, dispatch)
        break
      }
      const running = runNext(now)
      if (running === 'nothing') break
      if (running === 'done') continue
      busy++
      void running.then(() => {
        busy--
        dispatch()
      })
    }
    dispatching = false
  }

  /** A pause long enough to matter lies between two looks, however many records are begun within one. */
  function isStale(now: number): boolean {
    if (now - freshAt < FRESH_MS) return false
    if (joined.feed?.isStale?.() === true) return true
    freshAt = now
    return false
  }

  function runNext(now: number): Attempt {
    for (let tried = 0; tried < order.length; tried++) {
      turn = turn + 1 < order.length ? turn + 1 : 0
      const running = order[turn]?.runNext(now) ?? 'nothing'
      if (running !== 'nothing') return running
    }
    return 'nothing'
  }

  function fail(error: Error): void {
    if (state !== 'RUNNING') return
    log.error({ topic, group, error: errorText(error) }, 'subscription failed')
    state = 'FAILED'
    void Promise.all([leaveOnce(), handedOut.promise]).then(() => {
      parts.onEnded()
      done.reject(error)
    })
  }

  function onAssign(assignment: Assignment): void {
    const { partition, position, lost } = assignment
    if (lost !== undefined) {
      const place = `group ${group}, topic ${topic}, partition ${partition}`
      const what =
        lost.position === null ? 'its position is gone' : `its position ${lost.position} cannot be read any more`
      const error = new DrawbridgeError(
        'ERR_POSITION_LOST',
        `${place}: ${what}; the first record retained is ${position}. Reset the group to where it shall go on, or subscribe with onPositionLost: 'earliest'`,
        {
          details: { group, topic, partition, position: lost.position, first: position },
        },
      )
      if (parts.onPositionLost === 'stop') {
        fail(error)
        return
      }
      log.error({ ...error.details }, `position lost, going on at the first record retained`)
    }
    // A driver may assign before `openFeed` has resolved; the runner then starts as soon as it has.
    if (joined.feed === undefined) early.set(partition, assignment)
    else start(joined.feed, assignment)
  }

  const early = new Map<number, Assignment>()

  function start(feed: Feed, assignment: Assignment): void {
    const runner = createPartitionRunner({ ...parts, feed, deadLetters, onReady: dispatch, onFailed: fail }, assignment)
    runners.set(assignment.partition, runner)
    order = [...runners.values()]
  }

  function drop(partition: number): void {
    runners.delete(partition)
    order = [...runners.values()]
  }

  async function onRevoke(partitions: readonly number[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        early.delete(partition)
        const runner = runners.get(partition)
        if (runner === undefined) return
        const inTime = await runner.revoke()
        // It may have been lost meanwhile, and assigned anew: that runner stays.
        if (runners.get(partition) === runner) drop(partition)
        if (inTime) return
        overdue = true
        log.warn(
          { topic, group, partition, drainTimeoutMs: parts.drainTimeoutMs },
          'handlers did not finish in time; their records will come again',
        )
      }),
    )
  }

  function onLost(partitions: readonly number[]): void {
    for (const partition of partitions) {
      early.delete(partition)
      runners.get(partition)?.lose()
      drop(partition)
    }
    if (partitions.length > 0)
      log.warn({ topic, group, partitions }, 'partitions lost to another member; unfinished records come again there')
  }

  async function leave(): Promise<void> {
    left.abort()
    try {
      await joined.feed?.close()
    } catch (error) {
      log.warn({ topic, group, error: errorText(error) }, 'leaving the group failed; it will be noticed as gone')
    }
    onLost([...runners.keys()])
  }

  const leaveOnce = () => (leaving ??= leave())

  async function stop(): Promise<void> {
    if (state === 'FAILED') {
      await leaveOnce()
      return
    }
    state = 'DRAINING'
    overdue = false
    await leaveOnce()
    state = 'STOPPED'
    parts.onEnded()
    done.resolve()
    if (overdue) {
      throw new DrawbridgeError(
        'ERR_DRAIN_DEADLINE',
        `topic ${topic}, group ${group}: handlers were still running after ${parts.drainTimeoutMs} ms; their records are not committed and will come again. Raise drainTimeoutMs or let handlers obey their signal`,
        {
          details: { topic, group, drainTimeoutMs: parts.drainTimeoutMs },
        },
      )
    }
  }

  const opened = await backend.openFeed({
    group,
    topic,
    from: parts.from,
    limits: PULL_LIMITS,
    onAssign,
    onRevoke,
    onLost,
    onFailed: fail,
  })
  const replay = await parts.replays.find(group, topic).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
  const feed = replay === undefined ? opened : boundFeed(opened, replay)
  joined.feed = feed
  // A driver that assigned within `openFeed` may have made the subscription fail before there was a feed to close.
  if (state === 'RUNNING') for (const assignment of early.values()) start(feed, assignment)
  else await feed.close()

  function status(): SubscriptionStatus {
    const partitions = [...runners.values()].map((runner) => runner.status()).sort((a, b) => a.partition - b.partition)
    const blocked = state === 'RUNNING' && partitions.some(({ blockedBy }) => blockedBy !== undefined)
    return { state: blocked ? 'BLOCKED' : state, partitions }
  }

  const stopOnce = () => (stopping ??= stop())
  if (replay !== undefined) {
    void atReplayEnd({ backend, clock, log, topic, group, range: replay, ended: left.signal, status }).then((atEnd) => {
      // Nothing is in hand any more, so that there is no deadline to miss.
      if (atEnd) void stopOnce()
    })
  }
  void nextTurn().then(handedOut.resolve)
  return {
    group,
    get memberId() {
      return opened.memberId
    },
    status,
    done: done.promise,
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  }
}
