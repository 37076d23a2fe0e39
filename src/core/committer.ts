import type { Clock } from './clock.ts'
import { errorText, hasCode } from './errors.ts'
import type { Log } from './log.ts'

/** Time between two commits of one partition: bounds what a crash repeats without a broker round trip per record. */
const COMMIT_INTERVAL_MS = 100
/** When so many records are finished, the next commit waits for this time only. */
const BUSY_RECORDS = 50
const BUSY_INTERVAL_MS = 25
/** Commits begin at multiples of this time, so that those of several partitions meet and the driver can send them as one. */
const BEAT_MS = 25

export interface CommitterParts {
  readonly start: number
  readonly clock: Clock
  readonly log: Log
  /** Next offset to handle, as far as finished without a gap. */
  position(): number
  commit(next: number): Promise<void>
  /** Told once when the broker says that the partition is somebody else's. */
  onFenced(): void
}

/** Brings the group's position after the finished records, one commit at a time. */
export interface Committer {
  /** The position may have moved: commits it soon. */
  poke(): void
  /** Commits ahead of the handlers (at-most-once). Rejects as `commit` does. */
  ahead(next: number): Promise<void>
  /** Commits what is finished now and resolves when that is settled; failing is no loss, the records come again. */
  flush(): Promise<void>
  /** No further commit is begun. */
  stop(): void
}

export function createCommitter({ start, clock, log, position, commit, onFenced }: CommitterParts): Committer {
  let committed = start
  let lastAt = Number.NEGATIVE_INFINITY
  let busy: Promise<void> | undefined
  let timer: { readonly dueAt: number; cancel(): void } | undefined
  let stopped = false

  function begin(): Promise<void> {
    clearTimer()
    const next = position()
    busy = commit(next)
      .then(
        () => {
          committed = next
        },
        (error: unknown) => {
          if (hasCode(error, 'ERR_FENCED')) {
            stopped = true
            onFenced()
          } else log.warn({ next, error: errorText(error) }, 'position not committed, will try again')
        },
      )
      .finally(() => {
        lastAt = clock.elapsed()
        busy = undefined
        poke()
      })
    return busy
  }

  function poke(): void {
    const finished = position() - committed
    if (stopped || busy !== undefined || finished <= 0) return
    const intervalMs = finished < BUSY_RECORDS ? COMMIT_INTERVAL_MS : BUSY_INTERVAL_MS
    const dueAt = Math.ceil((lastAt + intervalMs) / BEAT_MS) * BEAT_MS
    if (timer !== undefined && timer.dueAt <= dueAt) return
    clearTimer()
    const waitMs = dueAt - clock.elapsed()
    if (waitMs <= 0) void begin()
    else timer = { dueAt, cancel: clock.after(waitMs, () => void begin()) }
  }

  function clearTimer(): void {
    timer?.cancel()
    timer = undefined
  }

  function stop(): void {
    stopped = true
    clearTimer()
  }

  return {
    poke,
    async ahead(next) {
      await commit(next)
      committed = next
    },
    async flush() {
      await busy
      if (!stopped && position() > committed) await begin()
      stop()
      await busy
    },
    stop,
  }
}
