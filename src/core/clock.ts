/** Time as core sees it, so that a test can hold the hands. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
