import { errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

export interface SweeperParts {
  readonly log: Log
  readonly everyMs: number
  isNeeded(): boolean
  sweep(): Promise<{ readonly more: boolean }>
  /** Ends early where `isClosed` says so. */
  compact(isClosed: () => boolean): Promise<void>
}

/** Housekeeping that nobody waits for, a bounded step at a time; every process of a store does it, which is harmless. */
export interface Sweeper {
  /** Does it now. */
  wake(): void
  /** Ends it after the step under way. */
  close(): Promise<void>
}

export function createSweeper({ log, everyMs, isNeeded, sweep, compact }: SweeperParts): Sweeper {
  let closed = false
  let running: Promise<void> | undefined
  const timer = setInterval(wake, everyMs)
  // Housekeeping is no reason for a process to live on.
  timer.unref()

  function wake(): void {
    if (!closed) running ??= run().finally(() => (running = undefined))
  }

  async function run(): Promise<void> {
    try {
      for (let more = isNeeded(); more && !closed; ) more = (await sweep()).more
      if (!closed) await compact(() => closed)
    } catch (error) {
      log.warn({ error: errorText(error) }, 'housekeeping of the store failed, will try again')
    }
  }

  return {
    wake,
    async close() {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}
