import { isDrawbridgeError } from './errors.ts'
import type { RetryOptions } from './broker.ts'

export type RetryPolicy = Required<RetryOptions>

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, minDelayMs: 200, maxDelayMs: 30_000, maxRetryMs: 300_000 }

/** What stands between losing a broker and giving up on it: endless, quick at first. */
export const ENDLESS_RETRY: RetryPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  minDelayMs: 100,
  maxDelayMs: 10_000,
  maxRetryMs: Number.POSITIVE_INFINITY,
}

/**
 * Milliseconds to wait before attempt `failed + 1`: exponential with equal jitter (half fixed, half random), and never
 * under the `retryAfterMs` that an error's details may carry. `random` is in [0, 1).
 */
export function retryDelayMs(policy: RetryPolicy, failed: number, error: unknown, random = Math.random()): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.minDelayMs * 2 ** Math.min(failed - 1, 40))
  return Math.max(ceiling / 2 + (ceiling / 2) * random, retryAfterMs(error))
}

/** Whether another attempt may be made after `failed` of them, the first begun `elapsedMs` ago, if it starts after `delayMs`. */
export function mayRetry(policy: RetryPolicy, failed: number, elapsedMs: number, delayMs: number): boolean {
  return failed < policy.attempts && elapsedMs + delayMs <= policy.maxRetryMs
}

function retryAfterMs(error: unknown): number {
  const asked = isDrawbridgeError(error) ? error.details.retryAfterMs : undefined
  return typeof asked === 'number' && asked > 0 ? asked : 0
}
