import type { ReaderOptions, RecordReader } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Cluster, persist } from './cluster.ts'
import type { Cursor } from './cursor.ts'
import { createFetcher } from './fetcher.ts'
import { EARLIEST, askOffsets } from './offsets.ts'

const BEYOND_END_PAUSE_MS = 200

export interface ReaderContext {
  readonly cluster: Cluster
  readonly log: Log
  /** Unique in the process. */
  readonly lane: string
  onClose(): void
}

/** Reads ranges of a topic without a group. */
export function createReader(context: ReaderContext, options: ReaderOptions): RecordReader {
  const { cluster, log, lane } = context
  const { topic, limits } = options
  const cursors = new Map<number, Cursor>()
  let closed = false
  const fetcher = createFetcher(cluster, {
    topic,
    lane,
    limits,
    log,
    onOutOfRange: (partition) => void relocate(partition),
    onFailed(partition, error) {
      for (const [each, cursor] of cursors) {
        if (partition === null || partition === each) cursor.end(error)
      }
    },
  })
  for (const { partition, from, to = Number.POSITIVE_INFINITY } of options.ranges) {
    cursors.set(partition, fetcher.add(partition, { partition, from, to }))
  }

  return {
    async pull(partition) {
      const cursor = cursors.get(partition)
      if (cursor === undefined) throw noRange(partition)
      return cursor.pull()
    },
    async close() {
      if (closed) return
      closed = true
      fetcher.close()
      context.onClose()
    },
  }

  /** What retention has taken is passed over. Above the end there is nothing to pass over, only to wait for. */
  async function relocate(partition: number): Promise<void> {
    try {
      const first = (await persist(() => askOffsets(cluster, topic, EARLIEST)))[partition] ?? 0
      const from = cursors.get(partition)?.fetchFrom ?? 0
      if (from < first)
        log.debug({ topic, partition, from, first }, 'records are gone, reading on at the first retained')
      fetcher.resume(partition, first, from < first ? 0 : BEYOND_END_PAUSE_MS)
    } catch (error) {
      cursors.get(partition)?.end(error as Error)
    }
  }

  function noRange(partition: number): DrawbridgeError {
    const known = [...cursors.keys()].join(', ')
    return new DrawbridgeError(
      'ERR_CONFIG',
      `this reader of ${topic} has no range of partition ${partition}: pull one of ${known}`,
    )
  }
}
