import type { Clock } from './clock.ts'

/** Resolves after `ms`, or at once when the signal aborts. Says which: true when the time has passed. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const onAbort = () => {
      cancel()
      resolve(false)
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort)
      resolve(true)
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Resolves with true when the promise settles (either way), with false when `ms` pass first. */
export function settledWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false))
    const settle = () => {
      cancel()
      resolve(true)
    }
    promise.then(settle, settle)
  })
}

/** Resolves in the next turn of the event loop, so that timers and sockets get theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets others wait for something that happens again and again. */
export interface Wakeup {
  wait(): Promise<void>
  wake(): void
}

/** One or more waiters, all released by the next `wake`. */
export function createWakeup(): Wakeup {
  let waiting: { promise: Promise<void>; resolve: () => void } | undefined
  return {
    wait() {
      waiting ??= Promise.withResolvers<void>()
      return waiting.promise
    },
    wake() {
      waiting?.resolve()
      waiting = undefined
    },
  }
}
