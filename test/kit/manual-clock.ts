import type { Clock } from '../../src/core/clock.ts'
import { nextTurn } from '../../src/core/wait.ts'

/** Time that passes only when a test says so. */
export interface ManualClock extends Clock {
  /** Lets time pass: runs what becomes due at its own time, one after the other, and all that follows from it. */
  advance(ms: number): Promise<void>
  /** Lets all that is under way happen, without time passing. */
  settle(): Promise<void>
  /** Times at which something will run, ascending, in milliseconds since the clock was made. */
  due(): readonly number[]
}

interface Timer {
  readonly at: number
  readonly number: number
  run(): void
}

/** Turns of the event loop after which nothing that needs no time is still under way. */
const TURNS = 10

export function createManualClock(startedAt = 1_700_000_000_000): ManualClock {
  let passed = 0
  let made = 0
  let timers: readonly Timer[] = []

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await nextTurn()
  }

  return {
    now: () => startedAt + passed,
    elapsed: () => passed,
    after(ms, run) {
      const timer = { at: passed + Math.max(0, ms), number: made++, run }
      timers = [...timers, timer].sort((a, b) => a.at - b.at || a.number - b.number)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    async advance(ms) {
      const until = passed + ms
      await settle()
      for (let next = timers[0]; next !== undefined && next.at <= until; next = timers[0]) {
        timers = timers.slice(1)
        passed = next.at
        next.run()
        await settle()
      }
      passed = until
    },
    settle,
    due: () => timers.map(({ at }) => at),
  }
}
