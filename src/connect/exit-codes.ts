import { isDrawbridgeError } from '../core/errors.ts'

/** Exit codes of connectors and of the CLI (sysexits.h): what a supervisor or a shell does next follows from them. */
export const EXIT = { done: 0, crash: 1, usage: 64, unreachable: 69, failed: 70, tryAgain: 75 } as const

/** The exit code an error ends a process with. */
export function exitCodeOf(error: unknown): number {
  if (!isDrawbridgeError(error)) return EXIT.crash
  if (error.code === 'ERR_BROKER_UNREACHABLE') return EXIT.unreachable
  if (error.code === 'ERR_DRAIN_DEADLINE') return EXIT.tryAgain
  switch (error.verdict) {
    case 'refuse':
      return EXIT.usage
    case 'stop':
    case 'quarantine':
      return EXIT.failed
    case 'retry':
    case 'quiet':
      return EXIT.tryAgain
  }
}
