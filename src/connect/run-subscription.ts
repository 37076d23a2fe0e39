import type { Subscription } from '../core/broker.ts'

/** Runs a sink's subscription until the signal aborts, then drains it. Rejects when the subscription fails, or ERR_DRAIN_DEADLINE. */
export async function runSubscription(subscription: Subscription, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = () => aborted.resolve()
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([subscription.done, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    await subscription.stop()
  }
}
