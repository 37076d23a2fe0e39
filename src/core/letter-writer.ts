import type { Clock } from './clock.ts'
import type { DeadLetters, Failure } from './dead-letter.ts'
import { errorText } from './errors.ts'
import type { Log } from './log.ts'
import { ENDLESS_RETRY, retryDelayMs } from './retry.ts'
import { sleep } from './wait.ts'
import { type HeldRecord, original } from './work.ts'

export interface LetterWriterParts<T> {
  readonly deadLetters: DeadLetters
  readonly topic: string
  readonly partition: number
  readonly clock: Clock
  readonly log: Log
  /** Aborts when the partition is to be given up. */
  readonly ending: AbortSignal
  /** The letter of this record has to wait; the returned function tells that it is tried again. */
  onWaiting(held: HeldRecord<T>, attempts: number): () => void
}

/** Sets the records of one partition aside. */
export interface LetterWriter<T> {
  /**
   * Writes a letter for each record, in order, and calls `onWritten` once it is durable. A letter that cannot be written is
   * tried until it can, never skipped. Resolves to false when the partition had to be given up before the last one; never rejects.
   */
  write(records: readonly HeldRecord<T>[], failure: Failure, onWritten: (held: HeldRecord<T>) => void): Promise<boolean>
}

export function createLetterWriter<T>(parts: LetterWriterParts<T>): LetterWriter<T> {
  const { deadLetters, topic, partition, clock, log, ending } = parts

  /** Tried once even while the partition is being given up: the record is in hand and its letter would finish it. */
  async function writeOne(held: HeldRecord<T>, failure: Failure): Promise<boolean> {
    const place = { topic, partition, offset: held.record.offset }
    for (let failed = 1; ; failed++) {
      try {
        await deadLetters.write(partition, original(held), failure)
        const { attempts } = failure
        log.error({ ...place, attempts, error: errorText(failure.error) }, 'record set aside in the dead-letter topic')
        return true
      } catch (error) {
        if (ending.aborted) return false
        log.error({ ...place, error: errorText(error) }, 'letter not written, will try again; the partition waits')
        const tryAgain = parts.onWaiting(held, failure.attempts)
        const waited = await sleep(clock, retryDelayMs(ENDLESS_RETRY, failed, error), ending)
        tryAgain()
        if (!waited) return false
      }
    }
  }

  return {
    async write(records, failure, onWritten) {
      for (const held of records) {
        if (!(await writeOne(held, failure))) return false
        onWritten(held)
      }
      return true
    },
  }
}
