import type { Backend } from './backend.ts'
import type { Receipt } from './broker.ts'
import type { Clock } from './clock.ts'
import { isDrawbridgeError } from './errors.ts'
import type { NewRecord } from './record.ts'
import { mayRetry, type RetryPolicy, retryDelayMs } from './retry.ts'
import { sleep } from './wait.ts'

/** How long a batch that is known not to be written is tried again before its sends are rejected. */
const DELIVERY_RETRY: RetryPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  minDelayMs: 50,
  maxDelayMs: 2_000,
  maxRetryMs: 30_000,
}
/** Keeps one append well under every broker's request limit. */
const MAX_BATCH_BYTES = 1_048_576

interface Entry {
  readonly record: NewRecord
  readonly bytes: number
  resolve(receipt: Receipt): void
  reject(error: unknown): void
}

export interface AppendQueueOptions {
  readonly backend: Backend
  readonly topic: string
  readonly partition: number
  readonly clock: Clock
  readonly lingerMs: number
  readonly maxBatchRecords: number
  /** Told after a batch is settled, whichever way. */
  onSettled(records: number, bytes: number): void
}

/** The records waiting for one partition. One append is under way at a time, so the order of `add` is the order in the log. */
export interface AppendQueue {
  add(entry: Entry): void
  /** What waits goes now, without lingering. */
  hurry(): void
}

export function createAppendQueue(options: AppendQueueOptions): AppendQueue {
  const { backend, topic, partition, clock } = options
  let waiting: Entry[] = []
  let waitingBytes = 0
  let state: 'idle' | 'scheduled' | 'appending' = 'idle'
  let cancelLinger: (() => void) | undefined

  function schedule(): void {
    if (waiting.length === 0) {
      state = 'idle'
      return
    }
    state = 'scheduled'
    const full = waiting.length >= options.maxBatchRecords || waitingBytes >= MAX_BATCH_BYTES
    // A microtask, so that the sends of one turn of the caller's code travel together.
    if (full || options.lingerMs === 0) queueMicrotask(flush)
    else cancelLinger = clock.after(options.lingerMs, flush)
  }

  function takeBatch(): { batch: Entry[]; bytes: number } {
    let bytes = 0
    let count = 0
    for (const entry of waiting) {
      if (count === options.maxBatchRecords || (count > 0 && bytes + entry.bytes > MAX_BATCH_BYTES)) break
      bytes += entry.bytes
      count++
    }
    const batch = count === waiting.length ? waiting : waiting.slice(0, count)
    waiting = count === waiting.length ? [] : waiting.slice(count)
    waitingBytes -= bytes
    return { batch, bytes }
  }

  function flush(): void {
    if (state !== 'scheduled') return
    state = 'appending'
    cancelLinger?.()
    cancelLinger = undefined
    const { batch, bytes } = takeBatch()
    const settle = () => {
      options.onSettled(batch.length, bytes)
      schedule()
    }
    append(batch).then(
      (firstOffset) => {
        batch.forEach((entry, index) =>
          entry.resolve({ partition, offset: firstOffset === null ? null : firstOffset + index }),
        )
        settle()
      },
      (error: unknown) => {
        for (const entry of batch) entry.reject(error)
        settle()
      },
    )
  }

  async function append(batch: readonly Entry[]): Promise<number | null> {
    const records = batch.map((entry) => entry.record)
    const begun = clock.elapsed()
    for (let failed = 1; ; failed++) {
      try {
        return (await backend.append(topic, partition, records)).firstOffset
      } catch (error) {
        const delayMs = retryDelayMs(DELIVERY_RETRY, failed, error)
        const known = isDrawbridgeError(error) && error.verdict === 'retry' && error.details.outcome === 'not-written'
        if (!known || !mayRetry(DELIVERY_RETRY, failed, clock.elapsed() - begun, delayMs)) throw error
        await sleep(clock, delayMs, NEVER)
      }
    }
  }

  return {
    hurry: flush,
    add(entry) {
      waiting.push(entry)
      waitingBytes += entry.bytes
      if (state === 'idle') schedule()
      else if (
        state === 'scheduled' &&
        options.lingerMs > 0 &&
        (waiting.length >= options.maxBatchRecords || waitingBytes >= MAX_BATCH_BYTES)
      )
        flush()
    },
  }
}

const NEVER = new AbortController().signal
