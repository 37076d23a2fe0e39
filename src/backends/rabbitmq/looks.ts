import type { OffsetSpec } from './protocol/commands.ts'
import { type Chunk, parseChunk } from './protocol/chunk.ts'
import type { Leaders } from './leaders.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { barrier, queryStats, sendCredit, subscribe, unsubscribe, whenCommitted } from './protocol/requests.ts'

export interface Extent {
  /** Lowest offset that the node asked retains; 0 in a new stream. */
  readonly first: number
  /** Offset after the last user record. */
  readonly end: number
}

/**
 * Questions about a stream's content. The broker's counters count chunks of its own, so the chunks themselves are looked at.
 * Everything acknowledged before is seen, whichever node `connection` is of: where it ends its leader tells.
 */
export interface Looks {
  /** With the `incarnation` of the topic, an end that was found before is known again: a stream alone may be another one. */
  extent(connection: StreamConnection, stream: string, incarnation?: string): Promise<Extent>
  /** Offset of the first user record at or after `from`; the end if there is none. */
  nextRecord(connection: StreamConnection, stream: string, from: number): Promise<number>
  /** First offset appended at or after `timestamp` (ms). */
  offsetAt(connection: StreamConnection, stream: string, timestamp: number): Promise<number>
  /** As Leaders.settled. */
  settled: Leaders['settled']
}

const MAX_CACHED = 10_000
const MAX_LOOKS = 32

export function createLooks(leaders: Leaders): Looks {
  /** The end found, and the committed chunk it was found with: it holds as long as that is the last. */
  const ends = new Map<string, { readonly committed: number; readonly end: number }>()

  /** At the leader's. */
  async function endAt(leader: StreamConnection, stream: string, incarnation?: string): Promise<number> {
    const { committedChunkId: committed, lastChunkId } = await queryStats(leader, stream)
    const life = `${stream} ${incarnation}`
    const known = ends.get(life)
    // A leader that was elected just now may know as committed less than there was at the look before.
    const isWhole = lastChunkId === committed
    if (isWhole && known?.committed === committed) return known.end
    const last = await lookAt(leader, stream, 'last', () => true)
    const end = last === undefined ? 0 : last.firstOffset + last.records
    if (incarnation !== undefined && isWhole) {
      if (ends.size >= MAX_CACHED) ends.clear()
      // A chunk that came after the question makes `committed` an older one, so the next look asks again.
      ends.set(life, { committed, end })
    }
    return end
  }

  /**
   * The first offset wanted from a place on; the end if there is none. What the node itself has is the same everywhere, but
   * for the beginning, which retention cuts on each node by itself: only where it has none its leader may have more.
   */
  async function find(
    connection: StreamConnection,
    stream: string,
    place: OffsetSpec,
    isWanted: (chunk: Chunk) => boolean,
  ): Promise<number> {
    const found = await lookAt(connection, stream, place, isWanted, false)
    if (found !== undefined) return found.firstOffset
    return leaders.ask(connection, stream, async (leader) => {
      const newer = await lookAt(leader, stream, place, isWanted)
      return newer?.firstOffset ?? endAt(leader, stream)
    })
  }

  return {
    async extent(connection, stream, incarnation) {
      const { firstChunkId } = await queryStats(connection, stream)
      const first = Math.max(0, firstChunkId)
      const end = await leaders.ask(connection, stream, (leader) => endAt(leader, stream, incarnation))
      return { first, end: Math.max(first, end) }
    },
    async nextRecord(connection, stream, from) {
      const isWanted = (chunk: Chunk) => chunk.firstOffset + chunk.records > from
      return Math.max(from, await find(connection, stream, { offset: from }, isWanted))
    },
    offsetAt: (connection, stream, timestamp) =>
      find(connection, stream, { timestamp }, (chunk) => chunk.timestamp >= timestamp),
    settled: leaders.settled,
  }
}

/** A subscription id that nothing on the connection uses. Throws where all 256 are taken. */
export function freeId(connection: StreamConnection): number {
  for (let id = 0; id < 256; id++) if (!connection.subscriptions.has(id)) return id
  throw new Error('one connection carries 256 subscriptions at once, and this would be one more')
}

/**
 * The first chunk that is wanted, from a place on; undefined where none is there yet. The broker sends what it can before
 * it works on the next request, so an answer without a chunk before it means that there is none that is committed. With
 * `waits` what is there and not yet committed is waited for: it may be the very chunk that the place is.
 */
async function lookAt(
  connection: StreamConnection,
  stream: string,
  offset: OffsetSpec,
  isWanted: (chunk: Chunk) => boolean,
  waits = true,
): Promise<Chunk | undefined> {
  const leave = await enter(connection)
  try {
    return await look(connection, stream, offset, isWanted, waits)
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
  waits: boolean,
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
    try {
      await barrier(connection)
      while (found === undefined) {
        const used = came ? 1 : 0
        came = false
        if (used === 0 && !waits) break
        if (used === 0) await whenCommitted(connection, stream)
        sendCredit(connection, id, used)
        await barrier(connection)
        if (used === 0 && !came) break
      }
    } finally {
      if (connection.failure === undefined) await unsubscribe(connection, id)
    }
    return found
  } finally {
    connection.subscriptions.delete(id)
  }
}

const EMPTY = Buffer.alloc(0)
