import { createWakeup } from '../../src/core/wait.ts'

export interface Window {
  /** Takes the next step in: steps run one after the other, in order. A step that rejects ends it: `room` and `drained` then reject. */
  add(bytes: number, step: () => Promise<void>): void
  /** Resolves when fewer steps and bytes than allowed wait. */
  room(): Promise<void>
  /** Resolves when nothing waits. */
  drained(): Promise<void>
}

/** Bounds what is read and not yet acknowledged, and finishes it in the order of reading. */
export function createWindow(limits: { readonly maxSteps: number; readonly maxBytes: number }): Window {
  const moved = createWakeup()
  let steps = 0
  let bytes = 0
  let failure: { readonly error: unknown } | undefined
  let chain = Promise.resolve()

  async function waitWhile(full: () => boolean): Promise<void> {
    while (failure === undefined && full()) await moved.wait()
    if (failure !== undefined) throw failure.error
  }

  return {
    add(size, step) {
      steps++
      bytes += size
      chain = chain.then(async () => {
        try {
          if (failure === undefined) await step()
        } catch (error) {
          failure ??= { error }
        } finally {
          steps--
          bytes -= size
          moved.wake()
        }
      })
    },
    room: () => waitWhile(() => steps >= limits.maxSteps || bytes >= limits.maxBytes),
    drained: () => waitWhile(() => steps > 0),
  }
}
