import { createAckTracker } from './ack-tracker.ts'
import { callHandler } from './attempt.ts'
import type { Assignment, Feed } from './backend.ts'
import type { PartitionStatus } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import { createCommitter } from './committer.ts'
import type { DeadLetters } from './dead-letter.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from './errors.ts'
import { openIntake } from './intake.ts'
import { createLanes } from './lanes.ts'
import { createLetterWriter } from './letter-writer.ts'
import type { Log } from './log.ts'
import { renewMessages } from './make-message.ts'
import type { Message } from './message.ts'
import { mayRetry, type RetryPolicy, retryDelayMs } from './retry.ts'
import { createRetryQueue } from './retry-queue.ts'
import { createWakeup, settledWithin } from './wait.ts'
import { type Assembler, type HeldRecord, messagesOf, type Work } from './work.ts'

/** What every partition of a subscription shares. */
export interface RunnerParts<T> {
  readonly topic: string
  readonly feed: Pick<Feed, 'pull' | 'commit'>
  readonly codec: Codec<T>
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly log: Log
  readonly retry: RetryPolicy
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  readonly handlerTimeoutMs: number
  readonly onFailure: 'dead-letter' | 'stop' | 'continue'
  readonly drainTimeoutMs: number
  /** When set, positions are committed before the handler, for so many records at a time. */
  readonly commitAhead: number | null
  assemble(emit: (work: Work<T>) => void): Assembler<T>
  handle(messages: readonly Message<T>[], signal: AbortSignal): Promise<void> | void
  /** The runner has work to take. */
  onReady(): void
  /** The subscription cannot go on. */
  onFailed(error: Error): void
}

/** A promise that never rejects, where the handler was not synchronous. */
export type Attempt = Promise<void> | 'done' | 'nothing'

/** One assigned partition of a subscription, from assignment to revocation or loss. */
export interface PartitionRunner {
  readonly partition: number
  /** One attempt at the work whose turn has come, `nothing` where there is none. `now` as `clock.elapsed` counts. */
  runNext(now: number): Attempt
  /** Ends intake, lets running handlers finish within the drain time, commits. Resolves to false when the time ran out. */
  revoke(): Promise<boolean>
  /** The partition is somebody else's: aborts what runs, its result no longer counts. */
  lose(): void
  status(): PartitionStatus
}

export function createPartitionRunner<T>(parts: RunnerParts<T>, assignment: Assignment): PartitionRunner {
  const { clock, log, retry, topic } = parts
  const { partition } = assignment
  const place = `topic ${topic}, partition ${partition}`
  const tracker = createAckTracker<HeldRecord<T>>(assignment.position)
  const lanes = createLanes<Work<T>>()
  /** Records that wait for their next attempt, or for their letter to be written. */
  const waiting = new Map<HeldRecord<T>, NonNullable<PartitionStatus['blockedBy']>>()
  /** Aborts when the partition is to be given up: no intake, no further attempt. */
  const ending = new AbortController()
  /** Aborts when results no longer count. */
  const gone = new AbortController()
  const progress = createWakeup()
  const calling = { ...parts, place }
  /** Handlers and letters under way. */
  let running = 0

  const committer = createCommitter({
    start: assignment.position,
    clock,
    log,
    position: tracker.position,
    commit: (next) => parts.feed.commit(partition, next),
    onFenced: lose,
  })
  const retries = createRetryQueue<Work<T>>(clock, (work) => {
    unmark(work.records[0])
    parts.onReady()
  })
  const letters = createLetterWriter<T>({
    ...parts,
    partition,
    ending: ending.signal,
    onWaiting(held, attempts) {
      mark(held, attempts)
      return () => unmark(held)
    },
  })
  const assembler = parts.assemble((work) => {
    lanes.add(work)
    parts.onReady()
  })
  const intake = openIntake({
    ...parts,
    partition,
    tracker,
    committer,
    progress,
    ending: ending.signal,
    admit: assembler.add,
    setAside: (held, error) => giveUp([held], error, 1, () => undefined),
    onFailed: parts.onFailed,
  })

  function finish(records: readonly HeldRecord<T>[]): void {
    for (const held of records) tracker.finish(held)
    committer.poke()
  }

  function leaveHand(): void {
    running--
    progress.wake()
  }

  function succeed(work: Work<T>): void {
    if (!gone.signal.aborted) {
      finish(work.records)
      leaveLane(work)
    }
    leaveHand()
  }

  function leaveLane(work: Work<T>): void {
    lanes.leave(work)
    parts.onReady()
  }

  function fail(work: Work<T>, error: unknown): void {
    if (!gone.signal.aborted) dispose(work, error)
    leaveHand()
  }

  function dispose(work: Work<T>, error: unknown): void {
    const verdict = isDrawbridgeError(error) ? error.verdict : 'retry'
    if (verdict === 'stop') {
      abandon(work.records)
      parts.onFailed(error as Error)
      return
    }
    const delayMs = retryDelayMs(retry, work.attempts, error)
    if (verdict === 'quarantine' || !mayRetry(retry, work.attempts, clock.elapsed() - work.begunAt, delayMs)) {
      giveUp(work.records, error, work.attempts, () => leaveLane(work))
      return
    }
    if (ending.signal.aborted) {
      abandon(work.records)
      return
    }
    const firstAttemptAt = Math.round(clock.now() - (clock.elapsed() - work.begunAt))
    work.redelivery = { firstAttemptAt, lastError: error }
    const first = work.records[0]
    const { attempts } = work
    const told = { topic, partition, offset: first?.record.offset, attempt: attempts, delayMs, error: errorText(error) }
    log.warn(told, 'handler failed, will try again')
    mark(first, work.attempts)
    void renewMessages({ ...parts, partition }, work.records).then(() => {
      if (ending.signal.aborted) abandon(work.records)
      else retries.add(work, delayMs)
    })
  }

  /** Records that will not be handled here any more: they stay unfinished and come again, unless committed ahead. */
  function abandon(records: readonly HeldRecord<T>[]): void {
    if (parts.commitAhead !== null) finish(records)
  }

  function mark(held: HeldRecord<T> | undefined, attempt: number): void {
    if (held !== undefined) waiting.set(held, { offset: held.offset, key: held.record.key, attempt })
  }

  function unmark(held: HeldRecord<T> | undefined): void {
    if (held !== undefined) waiting.delete(held)
  }

  /** As `onFailure` says, for records that will not be tried again. */
  function giveUp(records: readonly HeldRecord<T>[], error: unknown, attempts: number, then: () => void): void {
    if (parts.onFailure === 'dead-letter') {
      setAside(records, error, attempts, then)
      return
    }
    const offset = records[0]?.record.offset
    if (parts.onFailure === 'stop') {
      abandon(records)
      parts.onFailed(stopAt(`${place}, offset ${offset}`, error, attempts, { topic, partition, offset }))
      return
    }
    for (const { record } of records) {
      const told = { topic, partition, offset: record.offset, attempts, error: errorText(error) }
      log.error(told, "record passed without being handled and without a letter, as onFailure: 'continue' says")
    }
    finish(records)
    then()
  }

  function setAside(records: readonly HeldRecord<T>[], error: unknown, attempts: number, then: () => void): void {
    running++
    const failure = { error, attempts, failedAt: clock.now() }
    const onWritten = (held: HeldRecord<T>) => {
      if (!gone.signal.aborted) finish([held])
    }
    void letters.write(records, failure, onWritten).then((complete) => {
      if (!complete) abandon(records)
      if (!gone.signal.aborted) then()
      leaveHand()
    })
  }

  function end(): void {
    ending.abort()
    assembler.clear()
    for (const work of retries.clear()) abandon(work.records)
    progress.wake()
  }

  function discardResults(why: string): void {
    gone.abort(new DrawbridgeError('ERR_REVOKED', `partition ${partition} of ${topic} ${why}`))
  }

  function lose(): void {
    discardResults('went to another member of the group')
    committer.stop()
    lanes.clear()
    end()
  }

  function run(work: Work<T>, now: number): Attempt {
    running++
    if (++work.attempts === 1) work.begunAt = now
    try {
      const handling = callHandler(calling, messagesOf(work), gone.signal)
      if (handling !== undefined) {
        return handling.then(
          () => succeed(work),
          (error: unknown) => fail(work, error),
        )
      }
      succeed(work)
    } catch (error) {
      fail(work, error)
    }
    return 'done'
  }

  async function drained(): Promise<void> {
    await intake.ended
    // What was committed ahead has to be handled now or never.
    const left = () => (parts.commitAhead === null ? running : Math.max(running, tracker.held().records))
    while (left() > 0 && !gone.signal.aborted) await progress.wait()
  }

  return {
    partition,
    runNext(now) {
      const work = retries.take() ?? lanes.take()
      return work === undefined ? 'nothing' : run(work, now)
    },
    async revoke() {
      if (parts.commitAhead === null) lanes.clear()
      end()
      const inTime = await settledWithin(clock, parts.drainTimeoutMs, drained())
      if (!inTime) discardResults('is given up; the handler did not finish in time')
      await committer.flush()
      return inTime
    },
    lose,
    status() {
      const held = tracker.held()
      const oldest = tracker.oldest()
      const blockedBy = oldest !== undefined && held.records >= parts.maxInFlight ? waiting.get(oldest) : undefined
      return {
        partition,
        position: tracker.position(),
        inFlight: held.records,
        draining: ending.signal.aborted,
        ...(blockedBy === undefined ? {} : { blockedBy }),
      }
    },
  }
}

/** A subscription that is to stop at a record keeps the record's error, and says where it stands. */
function stopAt(place: string, error: unknown, attempts: number, details: Readonly<Record<string, unknown>>): Error {
  return new DrawbridgeError(
    isDrawbridgeError(error) ? error.code : 'ERR_HANDLER_FAILED',
    `${place}, attempt ${attempts}: ${errorText(error)}. The subscription stops before this record, as onFailure: 'stop' says; mend the cause and subscribe again, or use onFailure: 'dead-letter'`,
    { cause: error, details, verdict: 'stop' },
  )
}
