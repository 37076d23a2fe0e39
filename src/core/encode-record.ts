import type { SendOptions } from './broker.ts'
import { DrawbridgeError } from './errors.ts'
import { type Headers, MAX_RECORD_BYTES, type NewRecord, NO_HEADERS, recordBytes } from './record.ts'

/** Text as UTF-8, bytes copied, so that the caller may use its array again. */
export function toBytes(value: string | Uint8Array): Buffer {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value)
}

/** Headers in any of the forms `send` takes, as the ordered list at rest. ERR_VALUE_INVALID names the header. */
export function toHeaders(given: SendOptions['headers'], topic: string): Headers {
  if (given === undefined) return NO_HEADERS
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(given) ? given : Object.entries(given)
  return entries.map(([name, value]) => {
    if (typeof name !== 'string' || !name.isWellFormed()) {
      throw new DrawbridgeError(
        'ERR_VALUE_INVALID',
        `topic ${topic}: header name ${JSON.stringify(name)} is not UTF-8 text`,
      )
    }
    if (value !== null && typeof value !== 'string' && !(ArrayBuffer.isView(value) && 'length' in value)) {
      throw new DrawbridgeError(
        'ERR_VALUE_INVALID',
        `topic ${topic}: header ${JSON.stringify(name)} has to be text, bytes or null`,
      )
    }
    return [name, value === null ? null : toBytes(value as string | Uint8Array)] as const
  })
}

/** A record ready for the log, and its size. ERR_VALUE_INVALID, ERR_RECORD_TOO_LARGE: nothing is written then. */
export function encodeRecord(
  topic: string,
  value: Buffer | null,
  key: string | Uint8Array | null,
  options: SendOptions,
  now: number,
): { readonly record: NewRecord; readonly bytes: number } {
  const timestamp = options.timestamp ?? now
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw new DrawbridgeError(
      'ERR_VALUE_INVALID',
      `topic ${topic}: timestamp ${String(timestamp)} is not whole milliseconds since 1970`,
    )
  }
  const record = {
    key: key === null ? null : toBytes(key),
    value,
    headers: toHeaders(options.headers, topic),
    timestamp,
  }
  const bytes = recordBytes(record)
  if (bytes > MAX_RECORD_BYTES) {
    throw new DrawbridgeError(
      'ERR_RECORD_TOO_LARGE',
      `topic ${topic}: the record has ${bytes} bytes (key, value and headers); the limit is ${MAX_RECORD_BYTES}. Store the large part elsewhere and send a reference`,
      { details: { topic, bytes, maxBytes: MAX_RECORD_BYTES, outcome: 'not-written' } },
    )
  }
  return { record, bytes }
}
