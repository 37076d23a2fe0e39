/** Time as core sees it, so that a test can hold the hands. */
export interface Clock {
  /** Milliseconds since the epoch; jumps when the machine's clock is set. */
  now(): number
  /** Milliseconds since some moment; never jumps, so that durations are right. */
  elapsed(): number
  /** Calls `run` after `ms`, however long; the returned function cancels. */
  after(ms: number, run: () => void): () => void
}

/** Node's timers take no longer delay: it would fire at once. */
const LONGEST_TIMER_MS = 0x7fffffff

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    if (ms > LONGEST_TIMER_MS) return afterLong(ms, run)
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

function afterLong(ms: number, run: () => void): () => void {
  let left = ms
  let timer: NodeJS.Timeout
  function arm(): void {
    const step = Math.min(left, LONGEST_TIMER_MS)
    left -= step
    timer = setTimeout(left > 0 ? arm : run, step)
  }
  arm()
  return () => clearTimeout(timer)
}
