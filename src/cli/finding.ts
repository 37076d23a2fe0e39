import { errorText, isDrawbridgeError } from '../core/errors.ts'

/** What one check of `doctor` found. `next` says what to do where something is to be done. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly found: string
  readonly next?: string
}

export function describeFault(error: unknown): string {
  return isDrawbridgeError(error) ? `${error.code}: ${error.message}` : errorText(error)
}
