import type { PullLimits } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { StoredRecord } from '../../core/record.ts'
import { onePull } from '../one-pull.ts'
import { type ReadBatch, type ReadStore, readBatch } from './reading.ts'
import { EMPTY_PARTITION, getPartition } from './documents.ts'
import { placeNumber } from './news.ts'
import type { Watch } from './watch.ts'

/** A place in one partition, moved on by pulls. */
export interface Cursor {
  /** The next records; null once the bound is reached; [] once ended. Waits for records. One pull at a time. */
  pull(): Promise<readonly StoredRecord[] | null>
  /** Resolves the waiting pull and all later ones to []; with an error, rejects them. */
  end(error?: DrawbridgeError): void
}

export interface CursorOptions {
  readonly topicId: number
  readonly partition: number
  readonly from: number
  /** Exclusive; Infinity reads on for ever. */
  readonly to: number
  readonly limits: PullLimits
  /** Retention has passed the place, so that what stood there would be skipped; absent: it is skipped. */
  onOvertaken?(): void
}

export function createCursor(read: ReadStore, watch: Watch, options: CursorOptions): Cursor {
  const { topicId, partition, to, limits } = options
  let from = options.from
  let ended = false
  let failure: DrawbridgeError | undefined
  let wakeUp: (() => void) | undefined

  return { pull: onePull(`partition ${partition}`, nextRecords), end }

  async function nextRecords(): Promise<readonly StoredRecord[] | null> {
    while (!ended) {
      // The look and the listening happen in one turn of the event loop and the watch compares with what it saw before,
      // so an append between the two is news.
      const batch = look()
      if (batch === 'overtaken') {
        options.onOvertaken?.()
        return []
      }
      if (batch.records.length > 0) return batch.records
      if (batch.ended) return null
      await news()
    }
    if (failure !== undefined) throw failure
    return []
  }

  function look(): ReadBatch | 'overtaken' {
    const batch = read((snapshot) => {
      const { first } = getPartition(snapshot, topicId, partition) ?? EMPTY_PARTITION
      if (first > from && options.onOvertaken !== undefined) return 'overtaken'
      return readBatch(snapshot, topicId, partition, from, to, limits)
    })
    if (batch !== 'overtaken') from = batch.next
    return batch
  }

  function news(): Promise<void> {
    return new Promise((resolve) => {
      const stop = watch.listen(placeNumber(topicId, partition), () => wakeUp?.())
      wakeUp = () => {
        stop()
        wakeUp = undefined
        resolve()
      }
    })
  }

  function end(error?: DrawbridgeError): void {
    ended = true
    failure = error
    wakeUp?.()
  }
}
