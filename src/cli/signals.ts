import { outputClosed } from './output.ts'

export interface Interruption {
  /** Aborts on SIGINT, SIGTERM, and when the reader of standard output has gone. */
  readonly signal: AbortSignal
  /** How the command ends when it was interrupted: 130 after SIGINT; SIGTERM and a closed output are an orderly end. */
  exitCode(): number
}

/** Turns the first SIGINT or SIGTERM into an orderly end; a second one ends the process at once. */
export function watchInterruption(): Interruption {
  const controller = new AbortController()
  let exitCode = 0
  const onSignal = (name: 'SIGINT' | 'SIGTERM') => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    exitCode = name === 'SIGINT' ? 130 : 0
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  outputClosed.addEventListener('abort', () => controller.abort(), { once: true })
  return { signal: controller.signal, exitCode: () => exitCode }
}
