import { randomUUID } from 'node:crypto'
import type { ReaderOptions, RecordReader } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Connections } from './connections.ts'
import { brokerError } from './errors.ts'
import { createInflow, type Inflow } from './inflow.ts'
import { closeLines, endLines, lineOf, openLines } from './lines.ts'
import { subscribe } from './protocol/requests.ts'

/** Reads ranges on connections of its own. `onClose` is called once. */
export async function openRabbitmqReader(
  connections: Connections,
  streams: readonly string[],
  options: ReaderOptions,
  onClose: (reader: RecordReader) => void,
): Promise<RecordReader> {
  const { topic, ranges, limits } = options
  const lines = await openLines(connections, `drawbridge reader ${randomUUID()}`, ranges.length)
  const inflows = new Map<number, Inflow>()
  let closing: Promise<void> | undefined

  try {
    for (const [index, { partition, from, to = Number.POSITIVE_INFINITY }] of ranges.entries()) {
      const connection = lineOf(lines, index, ranges.length)
      const stream = streams[partition] as string
      const credit = { outstanding: 1 }
      const inflow = createInflow({ connection, subscription: partition, credit, stream, from, to, limits })
      inflows.set(partition, inflow)
      if (from >= to) continue
      connection.subscriptions.set(partition, {
        onChunk: inflow.onChunk,
        onConsumerUpdate: async () => 'none',
        onRefused: () => undefined,
      })
      await subscribe(connection, { id: partition, stream, offset: { offset: from }, credit: 1 })
    }
  } catch (error) {
    await closeLines(lines)
    throw brokerError(connections.target.place, `reading topic ${topic}`, error, 'not-written')
  }
  for (const line of lines) {
    line.metadataListeners.add((stream) => {
      if (streams.includes(stream)) line.destroy(new Error(`stream ${stream} is not available any more`))
    })
    void line.closed.then((why) => {
      if (closing !== undefined) return
      for (const inflow of inflows.values()) inflow.end(failed(why))
      endLines(lines, why)
    })
  }

  const reader: RecordReader = {
    async pull(partition) {
      const inflow = inflows.get(partition)
      if (inflow === undefined) {
        throw new DrawbridgeError(
          'ERR_CONFIG',
          `this reader of ${topic} has no range of partition ${partition}: pull one of ${[...inflows.keys()].join(', ')}`,
        )
      }
      try {
        return await inflow.pull()
      } catch (error) {
        if (closing !== undefined) return []
        throw failed(error)
      }
    },
    close: () => (closing ??= close()),
  }
  return reader

  function failed(error: unknown): DrawbridgeError {
    return brokerError(connections.target.place, `reading topic ${topic}`, error, 'not-written')
  }

  async function close(): Promise<void> {
    for (const inflow of inflows.values()) inflow.end()
    await closeLines(lines)
    onClose(reader)
  }
}
