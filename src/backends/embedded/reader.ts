import type { ReaderOptions, RecordReader } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { StoredRecord } from '../../core/record.ts'
import { type Cursor, createCursor } from './pull.ts'
import type { ReadStore } from './reading.ts'
import type { Watch } from './watch.ts'

export interface EmbeddedReader extends RecordReader {
  /** Ends the reader: the store is of no use any more. */
  fail(error: DrawbridgeError): void
}

/** Reads ranges of a topic without a group. `onClose` is called once. */
export function createReader(
  read: ReadStore,
  watch: Watch,
  topicId: number,
  options: ReaderOptions,
  onClose: (reader: EmbeddedReader) => void,
): EmbeddedReader {
  const { limits } = options
  const cursors = new Map<number, Cursor>()
  for (const { partition, from, to = Number.POSITIVE_INFINITY } of options.ranges) {
    cursors.set(partition, createCursor(read, watch, { topicId, partition, from, to, limits }))
  }
  const reader: EmbeddedReader = { pull, close, fail }
  return reader

  async function pull(partition: number): Promise<readonly StoredRecord[] | null> {
    const cursor = cursors.get(partition)
    if (cursor === undefined) {
      const known = [...cursors.keys()].join(', ')
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `this reader of ${options.topic} has no range of partition ${partition}: pull one of ${known}`,
      )
    }
    return cursor.pull()
  }

  async function close(): Promise<void> {
    for (const cursor of cursors.values()) cursor.end()
    onClose(reader)
  }

  function fail(error: DrawbridgeError): void {
    for (const cursor of cursors.values()) cursor.end(error)
  }
}
