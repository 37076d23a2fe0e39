import type { Ticket } from './ack-tracker.ts'
import type { Clock } from './clock.ts'
import type { Message, Redelivery } from './message.ts'
import type { StoredRecord } from './record.ts'

/** A record as the consumer carries it: raw bytes for a letter, the message for the handler, a ticket for the position. */
export interface HeldRecord<T> extends Ticket {
  /** Its key is in the handler's hand, too, and may have been changed there: `keyText` has what it was. */
  readonly record: StoredRecord
  /** The key's bytes as latin1 text: the lane, and what a letter is written from. */
  readonly keyText: string | null
  /** Made anew for every attempt. */
  message: Message<T>
}

/** The record as it was read. Values and headers are never handed out themselves, only copies of them. */
export function original<T>({ record, keyText }: HeldRecord<T>): StoredRecord {
  return { ...record, key: keyText === null ? null : Buffer.from(keyText, 'latin1') }
}

/** What goes to the handler in one call: one record, or a batch of one partition. */
export interface Work<T> {
  readonly records: readonly HeldRecord<T>[]
  /** Work of the same lane is done one at a time, in order; null: needs no order. */
  readonly lane: string | null
  /** Attempts begun. */
  attempts: number
  /** When the first attempt began, as `clock.elapsed` counts. */
  begunAt: number
  /** Once an attempt has failed. */
  redelivery?: Redelivery
}

/** As this attempt gets them. */
export function messagesOf<T>({ records, attempts, redelivery }: Work<T>): readonly Message<T>[] {
  if (redelivery !== undefined) return records.map(({ message }) => ({ ...message, attempt: attempts, redelivery }))
  const [first] = records
  return records.length === 1 && first !== undefined ? [first.message] : records.map(({ message }) => message)
}

/** Gathers decoded records into work. */
export interface Assembler<T> {
  add(held: HeldRecord<T>): void
  /** Drops what is not complete. */
  clear(): void
}

/** One record is one piece of work, in the lane of its key. */
export function createSingleAssembler<T>(emit: (work: Work<T>) => void): Assembler<T> {
  return {
    add(held) {
      emit({ records: [held], lane: held.keyText, attempts: 0, begunAt: 0 })
    },
    clear() {},
  }
}

export interface BatchBounds {
  readonly maxRecords: number
  readonly maxBytes: number
  /** From the first record of a batch, milliseconds. */
  readonly maxWaitMs: number
}

/** Consecutive records of the partition are one piece of work; a batch closes at its bounds, and by time without new data. */
export function createBatchAssembler<T>(
  bounds: BatchBounds,
  clock: Clock,
  emit: (work: Work<T>) => void,
): Assembler<T> {
  let records: HeldRecord<T>[] = []
  let bytes = 0
  let cancelTimer: (() => void) | undefined

  function clear(): void {
    cancelTimer?.()
    cancelTimer = undefined
    records = []
    bytes = 0
  }

  function close(): void {
    const batch = records
    clear()
    emit({ records: batch, lane: '', attempts: 0, begunAt: 0 })
  }

  return {
    add(held) {
      const size = held.bytes
      if (records.length > 0 && bytes + size > bounds.maxBytes) close()
      records.push(held)
      bytes += size
      if (records.length >= bounds.maxRecords || bytes >= bounds.maxBytes) close()
      else cancelTimer ??= clock.after(bounds.maxWaitMs, close)
    },
    clear,
  }
}
