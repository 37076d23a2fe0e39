import { DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import type { PlainError } from './requests.ts'
import { isNearlyFull } from './room.ts'

const FULL = /MDB_MAP_FULL|MDB_TXN_FULL|No space left|File too large|Disk quota/i
const FULL_CODES = new Set(['MDB_MAP_FULL', 'MDB_TXN_FULL', 'ENOSPC', 'EFBIG', 'EDQUOT', -30792, -30788, 28, 27, 122])

/** What a failed transaction means. `written` says what is known of the requests in it. */
export function storeError(dir: string, error: unknown, outcome: 'not-written' | 'unknown'): DrawbridgeError {
  if (isDrawbridgeError(error)) return error
  const code = (error as { code?: unknown } | null)?.code
  if (FULL.test(errorText(error)) || FULL_CODES.has(code as string | number) || isNearlyFull(dir)) {
    return storeFull(dir, errorText(error), error)
  }
  return storeFailed(dir, errorText(error), outcome, error)
}

export function storeFull(dir: string, why: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_STORE_FULL',
    `the store in ${dir} has no room (${why}): free space on its disk, nothing has been written`,
    { cause, details: { dir, outcome: 'not-written' } },
  )
}

export function storeFailed(
  dir: string,
  what: string,
  outcome: 'not-written' | 'unknown',
  cause?: unknown,
): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_STORE_FAILED',
    `the store in ${dir} failed: ${what}; look after its disk, then restart this process`,
    { cause, details: { dir, outcome } },
  )
}

/** The same error for another request than the one that met it. */
export function withOutcome(error: DrawbridgeError, outcome: 'not-written' | 'unknown'): DrawbridgeError {
  return new DrawbridgeError(error.code, error.message, { cause: error.cause, details: { ...error.details, outcome } })
}

export function toPlain(error: DrawbridgeError): PlainError {
  const plain = { code: error.code, message: error.message, details: error.details }
  return error.cause === undefined ? plain : { ...plain, cause: errorText(error.cause) }
}

export function fromPlain(error: PlainError): DrawbridgeError {
  return new DrawbridgeError(error.code, error.message, { cause: error.cause, details: error.details })
}

export function topicUnknown(dir: string, topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_TOPIC_UNKNOWN',
    `there is no topic ${JSON.stringify(topic)} in the store ${dir}: declare it first, or look for its name with "drawbridge topics list"`,
    { details: { topic, outcome: 'not-written' } },
  )
}

export function fenced(group: string, topic: string, partition: number): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_FENCED',
    `partition ${partition} of topic ${JSON.stringify(topic)} is no longer this member's in group ${JSON.stringify(group)}: nothing was committed, its new owner goes on from the last position`,
    { details: { group, topic, partition, outcome: 'not-written' } },
  )
}

export function closedError(dir: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CLOSED', `the embedded store ${dir} is closed: open it again with connect()`, {
    details: { dir, outcome: 'not-written' },
  })
}
