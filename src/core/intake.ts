import type { AckTracker } from './ack-tracker.ts'
import type { Feed } from './backend.ts'
import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import type { Committer } from './committer.ts'
import { errorText, hasCode, isDrawbridgeError } from './errors.ts'
import type { Log } from './log.ts'
import { messageOf } from './make-message.ts'
import { recordBytes, type StoredRecord } from './record.ts'
import { ENDLESS_RETRY, retryDelayMs } from './retry.ts'
import { nextTurn, sleep, type Wakeup } from './wait.ts'
import type { HeldRecord } from './work.ts'

export interface IntakeParts<T> {
  readonly topic: string
  readonly partition: number
  readonly feed: Pick<Feed, 'pull' | 'commit'>
  readonly codec: Codec<T>
  readonly clock: Clock
  readonly log: Log
  readonly tracker: AckTracker<HeldRecord<T>>
  readonly committer: Committer
  readonly maxInFlight: number
  readonly maxInFlightBytes: number
  readonly commitAhead: number | null
  /** Wakes whenever a record may have been finished. */
  readonly progress: Wakeup
  /** Aborts when intake is to end. */
  readonly ending: AbortSignal
  admit(held: HeldRecord<T>): void
  /** A record that is no value of this topic. */
  setAside(held: HeldRecord<T>, error: unknown): void
  onFailed(error: Error): void
}

/** Pulls, decodes and admits the records of one partition, in order, as far as the window has room. */
export interface Intake {
  /** Resolves when nothing more will be admitted; never rejects. */
  readonly ended: Promise<void>
}

export function openIntake<T>(parts: IntakeParts<T>): Intake {
  return {
    ended: run(parts).catch((error: unknown) => {
      if (!parts.ending.aborted && !hasCode(error, 'ERR_FENCED') && !hasCode(error, 'ERR_CLOSED'))
        parts.onFailed(error as Error)
    }),
  }
}

async function run<T>(parts: IntakeParts<T>): Promise<void> {
  const { feed, partition, ending, commitAhead } = parts
  while (!ending.aborted) {
    const records = await feed.pull(partition)
    if (records.length === 0) return
    for (let begin = 0; begin < records.length; ) {
      const end = commitAhead === null ? records.length : begin + (await freeSlots(parts, commitAhead))
      await admitAll(parts, records.slice(begin, end))
      if (ending.aborted) return
      begin = end
    }
    // A synchronous handler on a full log would otherwise keep timers (leases, commits) from their turn.
    await nextTurn()
  }
}

async function admitAll<T>(parts: IntakeParts<T>, records: readonly StoredRecord[]): Promise<void> {
  const { tracker, ending } = parts
  const ahead = parts.commitAhead !== null
  if (ahead && !(await commitAhead(parts, (records.at(-1)?.offset ?? -1) + 1))) return
  for (const record of records) {
    if (!ahead && isFull(parts)) await room(parts)
    const decoded = decode(parts, record)
    const outcome = isPromise(decoded) ? await decoded : decoded
    // What was committed ahead is handled even now; the rest comes again elsewhere.
    if (outcome === undefined || (ending.aborted && !ahead)) return
    const held: HeldRecord<T> = {
      record,
      keyText: record.key === null ? null : record.key.toString('latin1'),
      message: messageOf(parts, record, outcome.value as T),
      offset: record.offset,
      bytes: recordBytes(record),
      finished: false,
    }
    tracker.add(held)
    if (outcome.error === undefined) parts.admit(held)
    else parts.setAside(held, outcome.error)
  }
}

/** Resolves to false when the partition was given up before the position was committed. */
async function commitAhead<T>(parts: IntakeParts<T>, next: number): Promise<boolean> {
  const { topic, partition, ending, clock, log } = parts
  for (let failed = 1; !ending.aborted; failed++) {
    try {
      await parts.committer.ahead(next)
      return true
    } catch (error) {
      if (isForGood(error)) throw error
      log.warn({ topic, partition, next, error: errorText(error) }, 'position not committed ahead, will try again')
      await sleep(clock, retryDelayMs(ENDLESS_RETRY, failed, error), ending)
    }
  }
  return false
}

/** How many more records may be committed before their handlers: never more stand so than may run at once. */
async function freeSlots<T>({ tracker, progress, ending }: IntakeParts<T>, most: number): Promise<number> {
  while (tracker.held().records >= most && !ending.aborted) await progress.wait()
  return Math.max(1, most - tracker.held().records)
}

function isFull<T>({ tracker, maxInFlight, maxInFlightBytes }: IntakeParts<T>): boolean {
  const held = tracker.held()
  return held.records >= maxInFlight || held.bytes >= maxInFlightBytes
}

async function room<T>(parts: IntakeParts<T>): Promise<void> {
  while (isFull(parts) && !parts.ending.aborted) await parts.progress.wait()
}

interface Outcome<T> {
  readonly value?: T
  readonly error?: unknown
}

/**
 * The value, or why the record has none; undefined when the partition was given up while the registry was out of reach. Throws
 * what is no fault of the record (a closed broker, another registry), which is no reason for a letter.
 */
function decode<T>(parts: IntakeParts<T>, record: StoredRecord): Outcome<T> | Promise<Outcome<T> | undefined> {
  try {
    const decoding = parts.codec.decode(record.value)
    return isPromise(decoding) ? decodeAtLast(parts, record, decoding) : { value: decoding }
  } catch (error) {
    if (isRecordsFault(error)) return { error }
    throw error
  }
}

async function decodeAtLast<T>(
  { topic, partition, codec, clock, log, ending }: IntakeParts<T>,
  record: StoredRecord,
  first: Promise<T>,
): Promise<Outcome<T> | undefined> {
  for (let failed = 0; ; ) {
    try {
      return { value: await (failed === 0 ? first : codec.decode(record.value)) }
    } catch (error) {
      if (isRecordsFault(error)) return { error }
      if (isForGood(error)) throw error
      const place = { topic, partition, offset: record.offset }
      log.warn({ ...place, error: errorText(error) }, 'record not decoded yet, will try again')
      if (!(await sleep(clock, retryDelayMs(ENDLESS_RETRY, ++failed, error), ending))) return undefined
    }
  }
}

/** A fault that is none of ours counts as the record's: nothing may die of foreign bytes. */
function isRecordsFault(error: unknown): boolean {
  return !isDrawbridgeError(error) || error.verdict === 'quarantine'
}

function isForGood(error: unknown): boolean {
  return !isDrawbridgeError(error) || error.verdict !== 'retry'
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
