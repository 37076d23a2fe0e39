import type { Clock } from './clock.ts'
import { DrawbridgeError } from './errors.ts'

export interface AttemptParts<M> {
  readonly clock: Clock
  /** How long one call may take, milliseconds; Infinity: as long as it likes. */
  readonly handlerTimeoutMs: number
  /** For messages: the topic and partition. */
  readonly place: string
  handle(messages: M, signal: AbortSignal): Promise<void> | void
}

/**
 * One call of the handler. Returns undefined when it was synchronous. A call over its time is failed with
 * ERR_HANDLER_TIMEOUT: its signal aborts, and whatever it still comes to is thrown away.
 */
export function callHandler<M>(parts: AttemptParts<M>, messages: M, gone: AbortSignal): Promise<void> | undefined {
  const { clock, handlerTimeoutMs } = parts
  if (handlerTimeoutMs === Number.POSITIVE_INFINITY) return promised(parts.handle(messages, gone))
  // Not AbortSignal.any: what it makes of a signal as long-lived as `gone` is only let go by the garbage collector.
  const ended = new AbortController()
  const onGone = () => ended.abort(gone.reason)
  gone.addEventListener('abort', onGone, { once: true })
  const forget = () => gone.removeEventListener('abort', onGone)
  let running: Promise<void> | undefined
  try {
    running = promised(parts.handle(messages, ended.signal))
  } finally {
    if (running === undefined) forget()
  }
  if (running === undefined) return undefined
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cancel = clock.after(handlerTimeoutMs, () => {
    const error = new DrawbridgeError(
      'ERR_HANDLER_TIMEOUT',
      `${parts.place}: the handler did not finish within ${handlerTimeoutMs} ms; let it obey its signal, or raise handlerTimeoutMs`,
      { details: { handlerTimeoutMs } },
    )
    forget()
    ended.abort(error)
    reject(error)
  })
  void running.then(resolve, reject).then(() => {
    cancel()
    forget()
  })
  return promise
}

/** A handler may return any thenable, of any realm. */
function promised(result: Promise<void> | void): Promise<void> | undefined {
  return typeof result?.then === 'function' ? result : undefined
}
