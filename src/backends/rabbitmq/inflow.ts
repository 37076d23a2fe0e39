import type { PullLimits } from '../../core/backend.ts'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import type { StoredRecord } from '../../core/record.ts'
import { onePull } from '../one-pull.ts'
import { readRecord } from './layout.ts'
import { type ChunkReader, createChunkReader, parseChunk } from './protocol/chunk.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { barrier, queryStats, sendCredit } from './protocol/requests.ts'

/** Chunks asked for ahead at most. */
const MAX_CREDIT = 32
/** What a chunk is taken for before the first came. */
const GUESSED_CHUNK_BYTES = 65_536
/** How often the end of a range is looked for where no record comes. */
const PROOF_INTERVAL_MS = 200

/** A subscription's credit outlives what reads from it: the broker keeps it over activations. */
export interface Credit {
  outstanding: number
}

export interface InflowOptions {
  readonly connection: StreamConnection
  readonly subscription: number
  readonly credit: Credit
  readonly stream: string
  readonly from: number
  /** Exclusive; Infinity reads on for ever. */
  readonly to: number
  readonly limits: PullLimits
  /** Asked where offsets are missing: false when records were there that retention took. */
  mayContinue?(expected: number): Promise<boolean>
}

/** Records of one stream, from delivered chunks. Chunks are kept as they come and decoded when they are pulled. */
export interface Inflow {
  onChunk(frame: Buffer): void
  /** As RecordReader.pull. */
  pull(): Promise<readonly StoredRecord[] | null>
  /** Resolves the waiting pull and all later ones to []; with an error, rejects them. */
  end(error?: Error): void
}

interface Held {
  readonly reader: ChunkReader
  readonly bytes: number
  /** The next message where it was read already and did not fit any more. */
  ahead: Buffer | undefined
}

function offsetOf({ reader, ahead }: Held): number {
  return ahead === undefined ? reader.offset() : reader.given()
}

/**
 * The broker sends whole chunks, so what is held is bounded by `limits` and at least one chunk: so many are asked for as
 * fit by the size of those seen.
 */
export function createInflow(options: InflowOptions): Inflow {
  const { connection, subscription, credit, stream, to, limits } = options
  const held: Held[] = []
  let heldBytes = 0
  let heldRecords = 0
  let usualBytes = GUESSED_CHUNK_BYTES
  let next = options.from
  let ended = false
  let failure: Error | undefined
  let wakeUp: (() => void) | undefined

  return { onChunk, pull: onePull(stream, nextRecords), end }

  function onChunk(frame: Buffer): void {
    credit.outstanding--
    if (ended) return
    const chunk = parseChunk(frame)
    usualBytes += (frame.length - usualBytes) / 4
    held.push({ reader: createChunkReader(chunk), bytes: frame.length, ahead: undefined })
    heldBytes += frame.length
    heldRecords += chunk.records
    ask()
    wakeUp?.()
  }

  /** Asks for as many chunks as fit, in few commands. */
  function ask(): void {
    if (ended || next >= to) return
    const full = held.length > 0 && (heldBytes >= limits.maxBytes || heldRecords >= limits.maxRecords)
    const room = Math.ceil((limits.maxBytes - heldBytes) / Math.max(1, usualBytes))
    const wanted = full ? 0 : Math.max(1, Math.min(MAX_CREDIT, room))
    if (credit.outstanding > wanted / 2) return
    const more = wanted - credit.outstanding
    if (more <= 0) return
    credit.outstanding += more
    sendCredit(connection, subscription, more)
  }

  async function nextRecords(): Promise<readonly StoredRecord[] | null> {
    while (!ended) {
      if (next >= to) return null
      if (!(await isWhole())) return []
      const records = take()
      ask()
      if (records.length > 0) return records
      if (next >= to || (held.length === 0 && to !== Number.POSITIVE_INFINITY && (await isProven()))) return null
      if (held.length === 0 && !ended) await news()
    }
    if (failure !== undefined) throw failure
    return []
  }

  /** Whether the chunk on top continues what was read: offsets between may be the broker's own, or gone. */
  async function isWhole(): Promise<boolean> {
    const first = held[0] === undefined ? undefined : offsetOf(held[0])
    if (first === undefined || first <= next || options.mayContinue === undefined) return true
    return options.mayContinue(next)
  }

  function take(): StoredRecord[] {
    const records: StoredRecord[] = []
    let bytes = 0
    while (held.length > 0 && records.length < limits.maxRecords && (bytes < limits.maxBytes || records.length === 0)) {
      const top = held[0] as (typeof held)[number]
      const offset = offsetOf(top)
      const message = offset < to ? messageOf(top, records.length > 0) : undefined
      if (message === 'later') break
      if (message === undefined) {
        heldBytes -= top.bytes
        heldRecords -= top.reader.chunk.records
        held.shift()
        next = Math.max(next, offset)
        if (offset >= to) break
        continue
      }
      top.ahead = undefined
      if (offset < next) continue
      if (records.length > 0 && bytes + message.length > limits.maxBytes) {
        top.ahead = message
        break
      }
      const { key, value, headers, timestamp } = readRecord(message)
      const appendedAt = top.reader.chunk.timestamp
      records.push({ key, value, headers, offset, appendedAt, timestamp: timestamp ?? appendedAt })
      bytes += message.length
      next = offset + 1
    }
    return records
  }

  function messageOf({ reader, ahead }: Held, hasRecords: boolean): Buffer | undefined | 'later' {
    try {
      return ahead ?? reader.next()
    } catch (error) {
      // What was read before is handed out first; the next pull meets this again.
      if (hasRecords) return 'later'
      throw new DrawbridgeError('ERR_UNSUPPORTED', `${stream}, offset ${reader.offset()}: ${errorText(error)}`, {
        cause: error,
        details: { stream, offset: reader.offset() },
      })
    }
  }

  /**
   * Whether nothing is left below `to`. A chunk at `to` - 1 or above is committed, so all below are; the broker works in
   * order, so after the answer to a question asked behind a credit everything it could send has come.
   */
  async function isProven(): Promise<boolean> {
    const { committedChunkId } = await queryStats(connection, stream)
    if (committedChunkId < to - 1 || held.length > 0) return false
    sendCredit(connection, subscription, 0)
    await barrier(connection)
    return held.length === 0 && credit.outstanding > 0
  }

  function news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = to === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => wakeUp?.(), PROOF_INTERVAL_MS)
      wakeUp = () => {
        clearTimeout(timer)
        wakeUp = undefined
        resolve()
      }
    })
  }

  function end(error?: Error): void {
    ended = true
    failure ??= error
    held.length = 0
    wakeUp?.()
  }
}
