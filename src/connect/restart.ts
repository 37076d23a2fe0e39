import { EXIT } from './exit-codes.ts'

export interface RestartOptions {
  /** Delay before the first restart; doubles up to `maxDelayMs`, with jitter (defaults 500 and 30,000). */
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
  /** A run this long counts as sound: the delay begins anew after it (default 60,000). */
  readonly soundAfterMs?: number
  /** This many crashes within `windowMs` and the connector is FAILED (defaults 10 and 600,000). */
  readonly maxCrashes?: number
  readonly windowMs?: number
}

export type RestartDecision =
  | { readonly kind: 'done' }
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly reason: string }

export interface Ended {
  /** Null after a signal. */
  readonly exitCode: number | null
  readonly ranMs: number
  readonly nowMs: number
}

/**
 * Decides what follows a connector's end. 0 is done. 64 and 70 say that a restart would meet the same (wrong
 * configuration, wrong input, endpoint gone): failed at once. 69 (broker out of reach) is restarted for ever and is not
 * the connector's crash. Everything else is a crash: restarted within the budget.
 */
export function createRestartPolicy(options: RestartOptions = {}, random: () => number = Math.random) {
  const { minDelayMs = 500, maxDelayMs = 30_000, soundAfterMs = 60_000, maxCrashes = 10, windowMs = 600_000 } = options
  let crashes: number[] = []
  let inARow = 0
  return (ended: Ended): RestartDecision => {
    if (ended.exitCode === EXIT.done) return { kind: 'done' }
    if (ended.exitCode === EXIT.usage || ended.exitCode === EXIT.failed)
      return { kind: 'failed', reason: `exit code ${ended.exitCode}: a restart would meet the same` }
    if (ended.ranMs >= soundAfterMs) inARow = 0
    if (ended.exitCode !== EXIT.unreachable) {
      crashes = [...crashes.filter((at) => at > ended.nowMs - windowMs), ended.nowMs]
      if (crashes.length >= maxCrashes)
        return { kind: 'failed', reason: `${crashes.length} crashes within ${windowMs / 1000} s` }
    }
    const bound = Math.min(maxDelayMs, minDelayMs * 2 ** inARow++)
    return { kind: 'restart', delayMs: Math.round(bound * (0.5 + random() / 2)) }
  }
}
