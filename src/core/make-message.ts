import type { Codec } from './codec.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from './errors.ts'
import type { Log } from './log.ts'
import type { Message } from './message.ts'
import { type Headers, NO_HEADERS, type StoredRecord } from './record.ts'
import { type HeldRecord, original } from './work.ts'

/** The message at its first attempt. The handler gets headers of its own. */
export function messageOf<T>(
  { topic, partition }: { readonly topic: string; readonly partition: number },
  record: StoredRecord,
  value: T,
): Message<T> {
  const { offset, key, timestamp, appendedAt } = record
  const headers = record.headers.length === 0 ? NO_HEADERS : copyHeaders(record.headers)
  return { topic, partition, offset, key, value, headers, timestamp, appendedAt, attempt: 1, redelivery: null }
}

function copyHeaders(headers: Headers): Headers {
  return headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)])
}

/** As an error of its own where the reader has no letter to write. */
export function undecodable(
  place: { readonly topic: string; readonly partition: number },
  offset: number,
  cause: unknown,
): Error {
  if (isDrawbridgeError(cause) && cause.verdict === 'retry') return cause
  return new DrawbridgeError(
    'ERR_UNDECODABLE',
    `topic ${place.topic}, partition ${place.partition}, offset ${offset}: ${errorText(cause)}`,
    {
      cause,
      details: { ...place, offset },
    },
  )
}

/** Whatever a handler did to its messages, the next attempt gets the records as they were read. Never rejects. */
export async function renewMessages<T>(
  parts: { readonly topic: string; readonly partition: number; readonly codec: Codec<T>; readonly log: Log },
  records: readonly HeldRecord<T>[],
): Promise<void> {
  const { topic, partition, codec, log } = parts
  for (const held of records) {
    try {
      held.message = messageOf(parts, original(held), await codec.decode(held.record.value))
    } catch (error) {
      const { offset } = held.record
      log.warn(
        { topic, partition, offset, error: errorText(error) },
        'record not decoded anew; the next attempt gets the same message',
      )
    }
  }
}
