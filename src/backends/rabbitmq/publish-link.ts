import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { NewRecord } from '../../core/record.ts'
import type { Connections } from './connections.ts'
import { awayError, brokerError, closedError } from './errors.ts'
import { writeRecord } from './layout.ts'
import { CODES, COMMANDS, isRefusal, meaningOf, VERSION } from './protocol/commands.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { declarePublisher } from './protocol/requests.ts'
import { createOutput } from './protocol/wire.ts'
import { createPending, type Pending } from './pending.ts'

/** Frames are closed at this size, and no earlier than with one record. */
const FRAME_BYTES = 524_288
/** Publishers on one connection; their ids are one byte. */
export const MAX_PUBLISHERS = 250
/** How long an append waits for a confirm, over reconnections, before its outcome is unknown. */
const CONFIRM_TIMEOUT_MS = 30_000
const CHECK_MS = 1_000
/** A RabbitMQ that starts takes connections before it knows its streams again: only after this time a stream is gone. */
const GONE_MS = 15_000
const MAX_BACKOFF_MS = 2_000

/** One connection that publishes to many streams. */
export interface PublishLink {
  readonly streams: Pick<ReadonlyMap<string, unknown>, 'has' | 'size'>
  /** Resolves when confirmed. Rejects with `details.outcome`. */
  append(stream: string, records: readonly NewRecord[]): Promise<void>
  close(): Promise<void>
}

interface Publisher {
  readonly id: number
  /** Random: two publishers of one reference would lose each other's records. It only serves to publish again. */
  readonly reference: string
  readonly stream: string
  readonly pending: Pending
  nextId: number
  /** The connection it is declared on. */
  declared: StreamConnection | undefined
  declaring: Promise<void> | undefined
}

/**
 * After a lost connection everything unconfirmed is published again under its old publishing ids, which the broker
 * ignores as far as it has them: the outcome stays known and nothing is stored twice.
 */
export function createPublishLink(connections: Connections, log: Log): PublishLink {
  const { place } = connections.target
  const publishers = new Map<string, Publisher>()
  const out = createOutput()
  let connecting: Promise<StreamConnection> | undefined
  let current: StreamConnection | undefined
  let closed = false
  const timer = setInterval(expire, CHECK_MS)
  timer.unref()

  function expire(): void {
    const now = performance.now()
    for (const { pending, stream } of publishers.values()) {
      pending.expire(now, () =>
        brokerError(
          place,
          `append to ${stream} was not confirmed within ${CONFIRM_TIMEOUT_MS} ms`,
          new Error('it may have been written'),
          'unknown',
        ),
      )
    }
  }

  function connect(): Promise<StreamConnection> {
    if (current !== undefined && current.failure === undefined) return Promise.resolve(current)
    connecting ??= connections
      .openStreams(`drawbridge producer ${randomUUID()}`)
      .then((connection) => {
        current = connection
        connection.metadataListeners.add(onMetadataUpdate)
        void connection.closed.then((why) => onLost(connection, why))
        return connection
      })
      .finally(() => {
        connecting = undefined
      })
    return connecting
  }

  function onLost(connection: StreamConnection, why: Error): void {
    if (closed) return
    const waiting = [...publishers.values()].filter(({ pending }) => pending.size > 0)
    log.warn({ error: errorText(why), waiting: waiting.length }, 'producer connection lost, publishing again')
    for (const publisher of waiting) void recover(publisher, connection)
  }

  /** A stream lost its leader, or is gone: the broker has forgotten the publisher. */
  function onMetadataUpdate(stream: string): void {
    const publisher = publishers.get(stream)
    if (publisher === undefined) return
    publisher.declared = undefined
    if (publisher.pending.size > 0) void recover(publisher)
  }

  /** Declares the publisher again, which publishes what waits; gives up when nothing waits any more. */
  async function recover(publisher: Publisher, lost?: StreamConnection): Promise<void> {
    const until = performance.now() + GONE_MS
    for (let failed = 0; !closed && publisher.pending.size > 0; failed++) {
      if (publisher.declared !== undefined && publisher.declared !== lost) return
      try {
        return await declare(publisher)
      } catch (error) {
        if (isRefusal(error, CODES.StreamDoesNotExist) && performance.now() > until) {
          publisher.pending.fail(() => brokerError(place, `append to ${publisher.stream}`, error, 'unknown'))
          return
        }
        await sleep(Math.min(MAX_BACKOFF_MS, 50 * 2 ** failed))
      }
    }
  }

  function declare(publisher: Publisher): Promise<void> {
    publisher.declaring ??= declareNow(publisher).finally(() => {
      publisher.declaring = undefined
    })
    return publisher.declaring
  }

  async function declareNow(publisher: Publisher): Promise<void> {
    const connection = await connect()
    if (publisher.declared === connection) return
    connection.publishers.set(publisher.id, {
      onConfirm(ids, count) {
        for (let left = count; left > 0; left--) publisher.pending.confirm(ids.u64())
      },
      onError(id, code) {
        // The broker forgot the publisher: what it was sent is published again.
        if (code === CODES.PublisherDoesNotExist) onMetadataUpdate(publisher.stream)
        else publisher.pending.refuse(id, meaningOf(code))
      },
    })
    await declarePublisher(connection, publisher.id, publisher.reference, publisher.stream)
    publisher.declared = connection
    for (const frames of publisher.pending.frames()) connection.write(frames)
  }

  function publisherOf(stream: string): Publisher {
    let publisher = publishers.get(stream)
    if (publisher === undefined) {
      const id = publishers.size
      const pending = createPending(CONFIRM_TIMEOUT_MS)
      const reference = `drawbridge-${randomUUID()}`
      publisher = { id, reference, stream, pending, nextId: 1, declared: undefined, declaring: undefined }
      publishers.set(stream, publisher)
    }
    return publisher
  }

  /** Publish frames of the records, with ids from `nextId` on. */
  function encode(publisher: Publisher, records: readonly NewRecord[]): Buffer[] {
    const frames: Buffer[] = []
    let count = 0
    const begin = () => {
      out.at = 4
      out.u16(COMMANDS.Publish)
      out.u16(VERSION)
      out.u8(publisher.id)
      out.u32(0)
      count = 0
    }
    const finish = () => {
      out.bytes.writeUInt32BE(out.at - 4, 0)
      out.bytes.writeUInt32BE(count, 9)
      frames.push(out.finish())
    }
    begin()
    let id = publisher.nextId
    for (const record of records) {
      if (out.at > FRAME_BYTES) {
        finish()
        begin()
      }
      out.u64(id++)
      const sizeAt = out.at
      out.u32(0)
      writeRecord(out, record)
      out.bytes.writeUInt32BE(out.at - sizeAt - 4, sizeAt)
      count++
    }
    finish()
    return frames
  }

  return {
    streams: publishers,
    async append(stream, records) {
      const publisher = publisherOf(stream)
      try {
        if (publisher.declared === undefined || publisher.declared.failure !== undefined) await declare(publisher)
        await publisher.declared?.drained()
        // Nobody would hear of what is published from here on.
        if (closed) throw closedError(place)
      } catch (error) {
        const failed = brokerError(place, `append to ${stream}`, error, 'not-written')
        throw failed.verdict === 'refuse' && connections.isSettling() && !closed ? awayError(failed) : failed
      }
      const frames = encode(publisher, records)
      checkFrames(stream, frames, publisher.declared?.frameMax ?? 0)
      const firstId = publisher.nextId
      publisher.nextId += records.length
      const confirmed = publisher.pending.add(firstId, records.length, frames)
      const connection = publisher.declared
      // Not declared any more: who declares it again publishes this, too.
      if (connection === undefined || connection.failure !== undefined) void recover(publisher, connection)
      else for (const frame of frames) connection.write(frame)
      await confirmed
    },
    async close() {
      closed = true
      clearInterval(timer)
      for (const { pending, stream } of publishers.values()) {
        pending.fail(() => brokerError(place, `append to ${stream}`, new Error('closed meanwhile'), 'unknown'))
      }
      const connection = current ?? (await connecting?.catch(() => undefined))
      await connection?.close()
    },
  }
}

/** Headers that only JSON can say may grow on the way; nearly everything of the full size fits nevertheless. */
function checkFrames(stream: string, frames: readonly Buffer[], frameMax: number): void {
  const bytes = Math.max(...frames.map(({ length }) => length))
  if (frameMax === 0 || bytes <= frameMax) return
  throw new DrawbridgeError(
    'ERR_RECORD_TOO_LARGE',
    `a record of ${stream} takes ${bytes} bytes as RabbitMQ's message, at most ${frameMax} are possible: send fewer headers`,
    { details: { stream, bytes, outcome: 'not-written' } },
  )
}
