import type { CommanderError } from 'commander'
import { exitCodeOf } from '../connect/exit-codes.ts'
import { DrawbridgeError, errorText, type ErrorCode, isDrawbridgeError } from '../core/errors.ts'

/** The command that helps next, where the message cannot know it. */
const NEXT: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_BROKER_UNREACHABLE: '`drawbridge doctor` checks the connection',
  ERR_STORE_FAILED: '`drawbridge doctor` checks the store',
}

let lastTold: string | undefined

/** Says that a log line has just told this message, so that an error of the same message only refers to it. */
export function noteTold(message: string): void {
  lastTold = message
}

/** Tells an error on standard error: `error CODE: message` and the next step, or one JSON line. */
export function reportError(error: unknown, options: { readonly json: boolean }): void {
  process.stderr.write(options.json ? `${JSON.stringify(errorData(error))}\n` : `${errorLines(error).join('\n')}\n`)
}

export function errorLines(error: unknown): readonly string[] {
  if (!isDrawbridgeError(error)) {
    const stack = error instanceof Error ? error.stack : undefined
    return [
      `error: ${errorText(error)}`,
      'next: this is a fault of Drawbridge itself; please report it with these lines',
      ...(stack === undefined ? [] : [stack]),
    ]
  }
  const next = NEXT[error.code]
  const below = error.cause === undefined ? '' : errorText(error.cause)
  const cause = error.message.includes(below) ? [] : [`cause: ${below}`]
  const message = error.message === lastTold ? 'see above' : error.message
  return [`error ${error.code}: ${message}`, ...cause, ...(next === undefined ? [] : [`next: ${next}`])]
}

function errorData(error: unknown): Readonly<Record<string, unknown>> {
  if (!isDrawbridgeError(error))
    return { code: null, verdict: 'stop', message: errorText(error), exitCode: exitCodeOf(error) }
  const { code, verdict, message, details, cause } = error
  return {
    code,
    verdict,
    message,
    ...(NEXT[code] === undefined ? {} : { next: NEXT[code] }),
    details,
    ...(cause === undefined ? {} : { cause: errorText(cause) }),
    exitCode: exitCodeOf(error),
  }
}

/** What the parser of the command line refuses, as one of our errors. */
export function usageError(error: CommanderError): DrawbridgeError {
  const said =
    error.code === 'commander.help'
      ? 'a command is missing'
      : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  return new DrawbridgeError('ERR_CONFIG', `${said}; add --help to see what may stand here`, {
    details: { parser: error.code },
  })
}
