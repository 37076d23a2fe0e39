import type { Lines } from './lines.ts'
import { barrier } from './protocol/requests.ts'

/** A pause of this process after which it asks whether it is still a member. The broker's patience is 20 s at least. */
const PAUSE_MS = 10_000
const TICK_MS = 1_000

/** Knows whether this process stood still for so long that its partitions may be somebody else's. */
export interface PauseWatch {
  /** True after such a pause, until the broker has said on each line that we are still there, or lines have turned out to be gone. */
  wasPaused(): boolean
  /** Resolves when that is known. */
  settled(): Promise<void>
  stop(): void
}

export function watchPauses(lines: Lines): PauseWatch {
  let tickAt = performance.now()
  let asking: Promise<void> | undefined
  const ticker = setInterval(wasPaused, TICK_MS)
  ticker.unref()

  function wasPaused(): boolean {
    const now = performance.now()
    const pauseMs = now - tickAt
    tickAt = now
    if (pauseMs > PAUSE_MS) asking ??= ask()
    return asking !== undefined
  }

  async function ask(): Promise<void> {
    await Promise.allSettled(lines.map((line) => barrier(line)))
    asking = undefined
  }

  return {
    wasPaused,
    settled: () => asking ?? Promise.resolve(),
    stop: () => clearInterval(ticker),
  }
}
