import type { PullLimits } from '../../core/backend.ts'
import type { StoredRecord } from '../../core/record.ts'
import { onePull } from '../one-pull.ts'
import type { Chunk } from './decode-batch.ts'

/** A place in one partition, filled by a fetcher and emptied by pulls. */
export interface Cursor {
  /** The next records; null once the bound is reached; [] once ended. Waits for records. One pull at a time. */
  pull(): Promise<readonly StoredRecord[] | null>
  /** Resolves the waiting pull and all later ones to []; with an error, rejects them. */
  end(error?: Error): void
  /** Whether there is room for another chunk. Nothing is fetched before the first pull. */
  readonly wanting: boolean
  readonly fetchFrom: number
  push(chunk: Chunk): void
  /** Nothing readable stands below this offset. */
  skipTo(offset: number): void
  /** Given `next` handled, the position that means the same: behind markers and gaps, where no record follows. */
  settle(next: number): number
}

export interface CursorOptions {
  readonly partition: number
  readonly from: number
  /** Exclusive; Infinity reads on for ever. */
  readonly to: number
  readonly limits: PullLimits
  /** There is room again. */
  onRoom(): void
}

/** One is being emptied while the next is fetched. */
const MAX_CHUNKS = 2

export function createCursor({ partition, from, to, limits, onRoom }: CursorOptions): Cursor {
  const chunks: Chunk[] = []
  let fetchFrom = from
  /** All readable records below this offset are delivered, and the last of them ended there. */
  let readTo = from
  let lastEnd = from
  let pulled = false
  let ended = false
  let failure: Error | undefined
  let wakeUp: (() => void) | undefined

  return {
    pull: onePull(`partition ${partition}`, nextRecords),
    end(error) {
      if (ended) return
      ended = true
      failure = error
      chunks.length = 0
      wakeUp?.()
    },
    get wanting() {
      return pulled && !ended && fetchFrom < to && hasRoom()
    },
    get fetchFrom() {
      return fetchFrom
    },
    push(chunk) {
      if (ended) return
      chunks.push(chunk)
      fetchFrom = chunk.next
      wakeUp?.()
    },
    skipTo(offset) {
      fetchFrom = Math.max(fetchFrom, offset)
      wakeUp?.()
    },
    settle(next) {
      return next === lastEnd && chunks.length === 0 ? Math.max(next, readTo) : next
    },
  }

  async function nextRecords(): Promise<readonly StoredRecord[] | null> {
    pulled = true
    while (!ended) {
      const records = take()
      if (records.length > 0) return records
      if (readTo >= to) return null
      await news()
    }
    if (failure !== undefined) throw failure
    return []
  }

  function take(): StoredRecord[] {
    const records: StoredRecord[] = []
    let bytes = 0
    for (let chunk = chunks[0]; chunk !== undefined; chunk = chunks[0]) {
      bytes += chunk.take(records, from, to, {
        maxRecords: limits.maxRecords,
        maxBytes: limits.maxBytes - bytes,
      })
      if (!chunk.empty) break
      readTo = chunk.next
      chunks.shift()
    }
    if (chunks.length === 0) readTo = Math.max(readTo, fetchFrom)
    const last = records.at(-1)
    if (last !== undefined) lastEnd = last.offset + 1
    if (hasRoom()) onRoom()
    return records
  }

  /**
   * A chunk is as large as what may be held, and not half of it: an answer ends with a batch that is cut off and comes
   * again, which at half the size was 40 % of all bytes (batches of 400 KiB). The next one is asked for at half of the first.
   */
  function hasRoom(): boolean {
    return chunks.length < MAX_CHUNKS && (chunks[0]?.unopened ?? 0) <= limits.maxBytes / 2
  }

  function news(): Promise<void> {
    return new Promise((resolve) => {
      wakeUp = () => {
        wakeUp = undefined
        resolve()
      }
    })
  }
}
