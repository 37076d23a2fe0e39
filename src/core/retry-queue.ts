import type { Clock } from './clock.ts'

/** Work that waits for its next attempt. */
export interface RetryQueue<W> {
  /** Ready after `delayMs`; `onReady` is called then. */
  add(work: W, delayMs: number): void
  /** The next work whose delay is over. */
  take(): W | undefined
  /** Empties the queue and hands out what was in it. */
  clear(): readonly W[]
}

export function createRetryQueue<W>(clock: Clock, onReady: (work: W) => void): RetryQueue<W> {
  const timers = new Map<W, () => void>()
  let ready: W[] = []
  return {
    add(work, delayMs) {
      const cancel = clock.after(delayMs, () => {
        timers.delete(work)
        ready.push(work)
        onReady(work)
      })
      timers.set(work, cancel)
    },
    take: () => (ready.length === 0 ? undefined : ready.shift()),
    clear() {
      for (const cancel of timers.values()) cancel()
      const left = [...ready, ...timers.keys()]
      timers.clear()
      ready = []
      return left
    },
  }
}
