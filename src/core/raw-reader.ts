import type { Backend, ReaderOptions } from './backend.ts'
import { DrawbridgeError } from './errors.ts'
import { checkAborted } from './reader.ts'
import type { StoredRecord } from './record.ts'

const PULL_LIMITS = { maxRecords: 2_000, maxBytes: 4 * 1_048_576 }

export interface RawBatch {
  readonly partition: number
  /** In order, never empty. */
  readonly records: readonly StoredRecord[]
}

/**
 * The records of bounded ranges as they lie there, one partition after the other, so that one batch is held at a time.
 * ERR_ABORTED, ERR_CLOSED when it is cut short.
 */
export async function* readBatches(
  backend: Backend,
  topic: string,
  ranges: readonly Required<ReaderOptions['ranges'][number]>[],
  signal?: AbortSignal,
): AsyncGenerator<RawBatch> {
  for (const range of ranges) {
    if (range.from >= range.to) continue
    const { partition } = range
    const reader = await backend.openReader({ topic, ranges: [range], limits: PULL_LIMITS })
    try {
      for (;;) {
        checkAborted(topic, signal)
        const records = await reader.pull(partition)
        if (records === null) break
        if (records.length === 0)
          throw new DrawbridgeError('ERR_CLOSED', `topic ${topic}: the broker connection was closed during the read`)
        yield { partition, records }
      }
    } finally {
      await reader.close()
    }
  }
}
