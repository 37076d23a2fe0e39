import type { OffsetSpec } from './protocol/commands.ts'
import { type Chunk, parseChunk } from './protocol/chunk.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { barrier, queryStats, sendCredit, subscribe, unsubscribe } from './protocol/requests.ts'

export interface Extent {
  /** Lowest offset retained; 0 in a new stream. */
  readonly first: number
  /** Offset after the last user record. */
  readonly end: number
}

/** Questions about a stream's content. The broker's counters count chunks of its own, so the chunks themselves are looked at. */
export interface Looks {
  extent(connection: StreamConnection, stream: string): Promise<Extent>
  /** Offset of the first user record at or after `from`; the end if there is none. */
  nextRecord(connection: StreamConnection, stream: string, from: number): Promise<number>
  /** First offset appended at or after `timestamp` (ms). */
  offsetAt(connection: StreamConnection, stream: string, timestamp: number): Promise<number>
}

const MAX_CACHED = 10_000

export function createLooks(): Looks {
  /** The end found, and the committed chunk it was found with: it holds as long as that is the last. */
  const ends = new Map<string, { readonly committed: number; readonly first: number; readonly end: number }>()

  async function extent(connection: StreamConnection, stream: string): Promise<Extent> {
    const stats = await queryStats(connection, stream)
    const first = Math.max(0, stats.firstChunkId)
    const committed = stats.committedChunkId
    const known = ends.get(stream)
    if (known !== undefined && known.committed === committed && known.first <= first)
      return { first, end: Math.max(first, known.end) }
    const last = await lookAt(connection, stream, 'last', () => true)
    const end = Math.max(first, last === undefined ? 0 : last.firstOffset + last.records)
    if (ends.size >= MAX_CACHED) ends.clear()
    // A chunk that came meanwhile makes the committed one stale, so the next look asks again.
    ends.set(stream, { committed, first, end })
    return { first, end }
  }

  return {
    extent,
    async nextRecord(connection, stream, from) {
      const found = await lookAt(
        connection,
        stream,
        { offset: from },
        (chunk) => chunk.firstOffset + chunk.records > from,
      )
      return found === undefined ? (await extent(connection, stream)).end : Math.max(from, found.firstOffset)
    },
    async offsetAt(connection, stream, timestamp) {
      const found = await lookAt(connection, stream, { timestamp }, (chunk) => chunk.timestamp >= timestamp)
      return found?.firstOffset ?? (await extent(connection, stream)).end
    },
  }
}

/** A subscription id that nothing on the connection uses. Throws where all 256 are taken. */
export function freeId(connection: StreamConnection): number {
  for (let id = 0; id < 256; id++) if (!connection.subscriptions.has(id)) return id
  throw new Error('one connection carries 256 subscriptions at once, and this would be one more')
}

/**
 * The first chunk that is wanted, from a place on; undefined where none is there yet. The broker sends what it can before
 * it works on the next request, so an answer without a chunk before it means that there is none.
 */
async function lookAt(
  connection: StreamConnection,
  stream: string,
  offset: OffsetSpec,
  isWanted: (chunk: Chunk) => boolean,
): Promise<Chunk | undefined> {
  const id = freeId(connection)
  let found: Chunk | undefined
  let came = false
  connection.subscriptions.set(id, {
    onChunk(frame) {
      const chunk = parseChunk(frame)
      came = true
      if (found === undefined && isWanted(chunk)) found = { ...chunk, data: EMPTY }
    },
    onConsumerUpdate: async () => 'none',
    onRefused: () => undefined,
  })
  try {
    await subscribe(connection, { id, stream, offset, credit: 1 })
    await barrier(connection)
    while (came && found === undefined) {
      came = false
      sendCredit(connection, id, 1)
      await barrier(connection)
    }
    await unsubscribe(connection, id)
    return found
  } finally {
    connection.subscriptions.delete(id)
  }
}

const EMPTY = Buffer.alloc(0)
