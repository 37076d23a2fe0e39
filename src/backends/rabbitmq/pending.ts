import { DrawbridgeError } from '../../core/errors.ts'

/** Appends that were published and not confirmed, in the order of their publishing ids. */
export interface Pending {
  readonly size: number
  /** Resolves when all its ids are confirmed. */
  add(firstId: number, count: number, frames: readonly Buffer[]): Promise<void>
  confirm(id: number): void
  /** The broker will not store this one. */
  refuse(id: number, why: string): void
  /** What has to be published again. */
  frames(): readonly Buffer[]
  expire(now: number, error: () => Error): void
  fail(error: () => Error): void
}

interface Append {
  readonly firstId: number
  readonly count: number
  readonly frames: readonly Buffer[]
  readonly begunAt: number
  confirmed: number
  refused: number
  why: string
  resolve(): void
  reject(error: Error): void
}

export function createPending(timeoutMs: number): Pending {
  let appends: Append[] = []

  /** Confirms mostly come in order, so what is looked for is mostly the first. */
  function find(id: number): Append | undefined {
    return appends.find(({ firstId, count }) => id >= firstId && id < firstId + count)
  }

  function settle(append: Append): void {
    if (append.confirmed + append.refused < append.count) return
    appends = appends.filter((each) => each !== append)
    if (append.refused === 0) append.resolve()
    else append.reject(refused(append))
  }

  function take(isTaken: (append: Append) => boolean, error: () => Error): void {
    const taken = appends.filter(isTaken)
    appends = appends.filter((append) => !isTaken(append))
    for (const append of taken) append.reject(error())
  }

  return {
    get size() {
      return appends.length
    },
    add(firstId, count, frames) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const begunAt = performance.now()
      appends.push({ firstId, count, frames, begunAt, confirmed: 0, refused: 0, why: '', resolve, reject })
      return promise
    },
    confirm(id) {
      const append = find(id)
      if (append === undefined) return
      append.confirmed++
      settle(append)
    },
    refuse(id, why) {
      const append = find(id)
      if (append === undefined) return
      append.refused++
      append.why = why
      settle(append)
    },
    frames() {
      // All of an append is published again, and confirmed again: confirms of before count no more.
      for (const append of appends) {
        append.confirmed = 0
        append.refused = 0
      }
      return appends.flatMap(({ frames }) => frames)
    },
    expire: (now, error) => take(({ begunAt }) => now - begunAt > timeoutMs, error),
    fail: (error) => take(() => true, error),
  }
}

function refused({ confirmed, refused, why }: Append): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_APPEND_FAILED',
    `RabbitMQ did not store ${refused} of ${refused + confirmed} records: ${why}; it may be tried again`,
    { details: { outcome: confirmed === 0 ? 'not-written' : 'unknown' } },
  )
}
