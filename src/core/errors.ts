/** What the loop that meets the error does next (ERRORS.md explains each code). */
export type Verdict = 'refuse' | 'quarantine' | 'retry' | 'stop' | 'quiet'

/**
 * Every code Drawbridge can raise and its verdict. ERRORS.md documents the same list; a test keeps the two equal.
 * Codes are stable, messages are free.
 */
export const ERROR_CODES = {
  ERR_CONFIG: 'refuse',
  ERR_SCHEMA_INVALID: 'refuse',
  ERR_SCHEMA_INCOMPATIBLE: 'refuse',
  ERR_SCHEMA_UNKNOWN: 'refuse',
  ERR_REGISTRY_DIFFERS: 'refuse',
  ERR_REGISTRY_READ_ONLY: 'refuse',
  ERR_VALUE_INVALID: 'refuse',
  ERR_RECORD_TOO_LARGE: 'refuse',
  ERR_TOPIC_UNKNOWN: 'refuse',
  ERR_TOPIC_DIFFERS: 'refuse',
  ERR_GROUP_UNKNOWN: 'refuse',
  ERR_GROUP_ACTIVE: 'refuse',
  ERR_UNSUPPORTED: 'refuse',
  ERR_CLOSED: 'refuse',
  ERR_UNDECODABLE: 'quarantine',
  ERR_REJECTED: 'quarantine',
  ERR_BUFFER_FULL: 'retry',
  ERR_BROKER_UNREACHABLE: 'retry',
  ERR_APPEND_FAILED: 'retry',
  ERR_STORE_BUSY: 'retry',
  ERR_STORE_FULL: 'retry',
  ERR_HANDLER_FAILED: 'retry',
  ERR_HANDLER_TIMEOUT: 'retry',
  ERR_ENDPOINT: 'retry',
  ERR_POSITION_LOST: 'stop',
  ERR_REPLAY_UNFINISHED: 'stop',
  ERR_STORE_FAILED: 'stop',
  ERR_STORE_FOREIGN: 'stop',
  ERR_ENDPOINT_GONE: 'stop',
  ERR_CONNECTOR_FAILED: 'stop',
  ERR_SOURCE_INPUT: 'stop',
  ERR_OUTPUT_FAILED: 'stop',
  ERR_DRAIN_DEADLINE: 'stop',
  ERR_FENCED: 'quiet',
  ERR_REVOKED: 'quiet',
  ERR_ABORTED: 'quiet',
} as const satisfies Record<string, Verdict>

export type ErrorCode = keyof typeof ERROR_CODES

export interface ErrorOptions {
  readonly cause?: unknown
  /** Where it happened, in machine-readable form: topic, partition, offset, file, line, key path … Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Overrides the code's usual verdict; used where the same fault ends differently by policy. */
  readonly verdict?: Verdict
}

/** The one error class. `message` says what happened, where, and what to do next. */
export class DrawbridgeError extends Error {
  override readonly name = 'DrawbridgeError'
  readonly code: ErrorCode
  readonly verdict: Verdict
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.verdict = options.verdict ?? ERROR_CODES[code]
    this.details = options.details ?? {}
  }
}

/** Guards by shape, not by class, so that an error from another realm or another copy of the package counts. */
export function isDrawbridgeError(error: unknown): error is DrawbridgeError {
  return readProperty(error, 'name') === 'DrawbridgeError' && typeof readProperty(error, 'code') === 'string'
}

export function hasCode(error: unknown, code: ErrorCode): error is DrawbridgeError {
  return isDrawbridgeError(error) && error.code === code
}

/** The text of anything thrown, whatever its properties do. */
export function errorText(error: unknown): string {
  const message = readProperty(error, 'message')
  if (typeof message === 'string' && message !== '') return message
  if (error === null || typeof error !== 'object')
    return `${typeof error === 'string' ? '' : 'thrown: '}${String(error)}`
  const name = readProperty(error, 'name')
  return typeof name === 'string' && name !== '' ? name : 'an object without a message was thrown'
}

/** A property of anything, or undefined; a getter that throws must not stop whoever handles the error. */
export function readProperty(thing: unknown, name: string): unknown {
  if (thing === null || (typeof thing !== 'object' && typeof thing !== 'function')) return undefined
  try {
    return (thing as Readonly<Record<string, unknown>>)[name]
  } catch {
    return undefined
  }
}
