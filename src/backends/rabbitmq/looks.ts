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
  /** With the `incarnation` of the topic, an end that was found before is known again: a stream alone may be another one. */
  extent(connection: StreamConnection, stream: string, incarnation?: string): Promise<Extent>
  /** Offset of the first user record at or after `from`; the end if there is none. */
  nextRecord(connection: StreamConnection, stream: string, from: number): Promise<number>
  /** First offset appended at or after `timestamp` (ms). */
  offsetAt(connection: StreamConnection, stream: string, timestamp: number): Promise<number>
}

const MAX_CACHED = 10_000
const MAX_LOOKS = 32

export function createLooks(): Looks {
  /** The end found, and the committed chunk it was found with: it holds as long as that is the last. */
  const ends = new Map<string, { readonly committed: number; readonly end: number }>()

  async function extent(connection: StreamConnection, stream: string, incarnation?: string): Promise<Extent> {
    const stats = await queryStats(connection, stream)
    const first = Math.max(0, stats.firstChunkId)
    const committed = stats.committedChunkId
    const life = `${stream} ${incarnation}`
    const known = ends.get(life)
    if (known?.committed === committed) return { first, end: Math.max(first, known.end) }
    const last = await lookAt(connection, stream, 'last', () => true)
    const end = Math.max(first, last === undefined ? 0 : last.firstOffset + last.records)
    if (incarnation !== undefined) {
      if (ends.size >= MAX_CACHED) ends.clear()
      // A chunk that came after the question makes `committed` an older one, so the next look asks again.
      ends.set(life, { committed, end })
    }
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
  const leave = await enter(connection)
  try {
    return await look(connection, stream, offset, isWanted)
  } finally {
    leave()
  }
}

const waiting = new WeakMap<StreamConnection, { looks: number; readonly next: (() => void)[] }>()

/** Few look at once on one connection, so that its subscription ids suffice. Resolves to what lets the next one in. */
async function enter(connection: StreamConnection): Promise<() => void> {
  let state = waiting.get(connection)
  if (state === undefined) waiting.set(connection, (state = { looks: 0, next: [] }))
  const { next } = state
  if (state.looks >= MAX_LOOKS) await new Promise<void>((resolve) => next.push(resolve))
  else state.looks++
  const entered = state
  return () => {
    const follower = next.shift()
    // The place goes over to whoever follows.
    if (follower === undefined) entered.looks--
    else follower()
  }
}

async function look(
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
