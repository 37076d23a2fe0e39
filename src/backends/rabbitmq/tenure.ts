import type { StreamConnection } from './protocol/stream-connection.ts'
import { subscribe, unsubscribe } from './protocol/requests.ts'
import { freeId } from './looks.ts'

/** How long a lock may take to come: its holder resolves a few positions, or dies and is noticed. */
const LOCK_TIMEOUT_MS = 60_000
/** The broker tells an idle group's first member at once; after this silence there is another. */
const IDLE_TIMEOUT_MS = 1_000

/** An active single-active-consumer subscription that is held without reading. */
export interface Tenure {
  /** False once the broker has asked for it back; it is still held until `release`. */
  readonly wanted: boolean
  release(): Promise<void>
}

/**
 * Takes what only one connection can have: an active single-active-consumer subscription. The broker gives it to another
 * one only after ours was released or its connection is dead, and what a dead connection sent is done before that. So
 * what is stored on this connection while it is held has no rival. Undefined when it did not come in time.
 */
export async function takeTenure(
  connection: StreamConnection,
  stream: string,
  name: string,
  options: { readonly superStream?: string; readonly timeoutMs?: number; readonly id?: number } = {},
): Promise<Tenure | undefined> {
  const { superStream, timeoutMs = superStream === undefined ? LOCK_TIMEOUT_MS : IDLE_TIMEOUT_MS } = options
  const id = options.id ?? freeId(connection)
  const active = Promise.withResolvers<boolean>()
  const released = Promise.withResolvers<void>()
  let wanted = true
  connection.subscriptions.set(id, {
    onChunk: () => undefined,
    async onConsumerUpdate(isActive) {
      if (isActive) active.resolve(true)
      else {
        wanted = false
        await released.promise
      }
      return 'next'
    },
    onRefused: () => undefined,
  })
  const timer = setTimeout(() => active.resolve(false), timeoutMs)
  void connection.closed.then((why) => active.reject(why))
  active.promise.catch(() => undefined)

  async function release(): Promise<void> {
    released.resolve()
    if (connection.failure === undefined) await unsubscribe(connection, id)
    connection.subscriptions.delete(id)
  }

  try {
    const properties = {
      'single-active-consumer': 'true',
      name,
      ...(superStream === undefined ? {} : { 'super-stream': superStream }),
    }
    // Without credit nothing is delivered while it is held.
    await subscribe(connection, { id, stream, offset: 'next', credit: 0, properties })
    if (await active.promise) {
      return {
        get wanted() {
          return wanted
        },
        release,
      }
    }
    await release()
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
