import type { Backend } from './backend.ts'
import type { ReadOptions } from './broker.ts'
import type { Codec } from './codec.ts'
import { DrawbridgeError } from './errors.ts'
import { messageOf, undecodable } from './make-message.ts'
import type { Message } from './message.ts'
import { resolveFrom, resolveTo } from './position.ts'
import type { StoredRecord } from './record.ts'
import { createWakeup } from './wait.ts'

const PULL_LIMITS = { maxRecords: 500, maxBytes: 1_048_576 }

export interface ReaderParts<T> {
  readonly backend: Backend
  readonly topic: string
  codec(): Promise<Codec<T>>
  readonly options: ReadOptions
}

/** Reads a topic without a group: each partition in order, partitions as their records come. Every iteration is a read of its own. */
export function readMessages<T>(parts: ReaderParts<T>): AsyncIterable<Message<T>> {
  return {
    [Symbol.asyncIterator]() {
      const returned = new AbortController()
      const messages = iterate(parts, returned.signal)
      return {
        next: () => messages.next(),
        // A generator's own `return` would wait for the record that a pending `next` waits for.
        return() {
          returned.abort()
          return messages.return()
        },
      }
    },
  }
}

async function* iterate<T>(parts: ReaderParts<T>, returned: AbortSignal): AsyncGenerator<Message<T>, void, undefined> {
  const { backend, topic, options } = parts
  const codec = await parts.codec()
  const described = await backend.describeTopic(topic)
  const from = await resolveFrom(backend, described, options.from)
  const to = await resolveTo(backend, described, options.to)
  const ranges = from
    .map((offset, partition) => ({ partition, from: offset, to: to[partition] }))
    .filter((range) => range.to === undefined || range.from < range.to)
    .map(({ partition, from, to }) => ({ partition, from, ...(to === undefined ? {} : { to }) }))
  const reader = await backend.openReader({ topic, ranges, limits: PULL_LIMITS })

  // Each partition has one pull under way and hands its batch in here. (Promise.race over the pulls would keep one
  // more reaction on every idle partition's promise for every batch of a busy one.)
  const arrived: { partition: number; records: readonly StoredRecord[] | null }[] = []
  let failure: { readonly error: unknown } | undefined
  const arrival = createWakeup()
  const pull = (partition: number): void => {
    reader.pull(partition).then(
      (records) => {
        arrived.push({ partition, records })
        arrival.wake()
      },
      (error: unknown) => {
        failure ??= { error }
        arrival.wake()
      },
    )
  }
  returned.addEventListener('abort', arrival.wake, { once: true })
  options.signal?.addEventListener('abort', arrival.wake, { once: true })
  let open = ranges.length
  try {
    for (const { partition } of ranges) pull(partition)
    while (open > 0 && !returned.aborted) {
      checkAborted(topic, options.signal)
      if (failure !== undefined) throw failure.error
      const batch = arrived.shift()
      if (batch === undefined) {
        await arrival.wait()
        continue
      }
      const { partition, records } = batch
      if (records === null || records.length === 0) {
        if (records !== null)
          throw new DrawbridgeError(
            'ERR_CLOSED',
            `topic ${topic}: the broker connection was closed during the read; the range was not read to its end`,
          )
        open--
        continue
      }
      const place = { topic, partition }
      for (const record of records) {
        checkAborted(topic, options.signal)
        yield messageOf(place, record, await decode(codec, place, record))
      }
      pull(partition)
    }
  } finally {
    options.signal?.removeEventListener('abort', arrival.wake)
    await reader.close()
  }
}

async function decode<T>(
  codec: Codec<T>,
  place: { topic: string; partition: number },
  record: StoredRecord,
): Promise<T> {
  try {
    return await codec.decode(record.value)
  } catch (error) {
    throw undecodable(place, record.offset, error)
  }
}

/** A read that was cut short must not look like one that reached its end. */
export function checkAborted(topic: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new DrawbridgeError('ERR_ABORTED', `the read of topic ${topic} was aborted before its end`, {
      cause: signal.reason,
    })
}
