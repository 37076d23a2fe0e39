import { setTimeout as sleep } from 'node:timers/promises'
import {
  CODES,
  isRefusal,
  type OffsetSpec,
  readMetadata,
  readStats,
  readStrings,
  refusal,
  type StreamMetadata,
  type StreamStats,
  writeMap,
  writeOffsetSpec,
  writeStrings,
} from './commands.ts'
import type { StreamConnection } from './stream-connection.ts'

type Arguments = Readonly<Record<string, string>>

export interface Subscribe {
  readonly id: number
  readonly stream: string
  readonly offset: OffsetSpec
  /** Chunks that may come at once. RabbitMQ sends only while more than half of this first credit is left, so begin with 1. */
  readonly credit: number
  readonly properties?: Arguments
}

/** Creating and deleting goes through Raft and the disk. */
const TOPOLOGY_TIMEOUT_MS = 60_000
const AVAILABLE_TIMEOUT_MS = 15_000
const AVAILABLE_INTERVAL_MS = 100

export async function createStream(to: StreamConnection, stream: string, args: Arguments): Promise<void> {
  await to.request(
    'Create',
    (out) => {
      out.string(stream)
      writeMap(out, args)
    },
    TOPOLOGY_TIMEOUT_MS,
  )
}

export async function deleteStream(to: StreamConnection, stream: string): Promise<void> {
  await to.request('Delete', (out) => out.string(stream), TOPOLOGY_TIMEOUT_MS)
}

/** Partition i is `streams[i]`, bound by `keys[i]`. */
export async function createSuperStream(
  to: StreamConnection,
  name: string,
  streams: readonly string[],
  keys: readonly string[],
  args: Arguments,
): Promise<void> {
  await to.request(
    'CreateSuperStream',
    (out) => {
      out.string(name)
      writeStrings(out, streams)
      writeStrings(out, keys)
      writeMap(out, args)
    },
    TOPOLOGY_TIMEOUT_MS,
  )
}

export async function deleteSuperStream(to: StreamConnection, name: string): Promise<void> {
  await to.request('DeleteSuperStream', (out) => out.string(name), TOPOLOGY_TIMEOUT_MS)
}

/** Streams bound to the exchange, in partition order; undefined where there is no such exchange. */
export async function queryPartitions(to: StreamConnection, name: string): Promise<string[] | undefined> {
  return orUndefined(CODES.StreamDoesNotExist, async () =>
    readStrings(await to.request('Partitions', (out) => out.string(name))),
  )
}

/** Streams bound to the exchange by the key. */
export async function queryRoute(to: StreamConnection, key: string, name: string): Promise<string[]> {
  const found = await orUndefined(CODES.StreamDoesNotExist, async () =>
    readStrings(
      await to.request('Route', (out) => {
        out.string(key)
        out.string(name)
      }),
    ),
  )
  return found ?? []
}

export async function queryMetadata(to: StreamConnection, streams: readonly string[]): Promise<StreamMetadata[]> {
  return readMetadata(await to.request('Metadata', (out) => writeStrings(out, streams)))
}

export async function queryStats(to: StreamConnection, stream: string): Promise<StreamStats> {
  return readStats(await whenAvailable(() => to.request('StreamStats', (out) => out.string(stream))))
}

export async function declarePublisher(
  to: StreamConnection,
  id: number,
  reference: string,
  stream: string,
): Promise<void> {
  await to.request('DeclarePublisher', (out) => {
    out.u8(id)
    out.string(reference)
    out.string(stream)
  })
}

export async function deletePublisher(to: StreamConnection, id: number): Promise<void> {
  await to.request('DeletePublisher', (out) => out.u8(id))
}

/** RabbitMQ answers before its coordinator knows of a single active consumer; `registered` settles when it does. */
export async function subscribe(
  to: StreamConnection,
  { id, stream, offset, credit, properties = {} }: Subscribe,
): Promise<{ readonly registered: Promise<void> }> {
  await whenAvailable(() =>
    to.request('Subscribe', (out) => {
      out.u8(id)
      out.string(stream)
      writeOffsetSpec(out, offset)
      out.u16(credit)
      writeMap(out, properties)
    }),
  )
  const registered = properties['single-active-consumer'] === 'true' ? barrier(to) : Promise.resolve()
  // Who does not wait for it learns from the connection that it broke.
  registered.catch(() => undefined)
  return { registered }
}

/** An answer that does not come within the time ends the connection; default: as of other requests. */
export async function unsubscribe(to: StreamConnection, id: number, timeoutMs?: number): Promise<void> {
  await to.request('Unsubscribe', (out) => out.u8(id), timeoutMs)
}

export function sendCredit(to: StreamConnection, id: number, credit: number): void {
  to.command('Credit', (out) => {
    out.u8(id)
    out.u16(credit)
  })
}

/** Not answered: query it on the same connection to know that it was done. */
export function storeOffset(to: StreamConnection, reference: string, stream: string, offset: bigint): void {
  to.command('StoreOffset', (out) => {
    out.string(reference)
    out.string(stream)
    out.big(offset)
  })
}

/** Undefined where nothing is stored. */
export async function queryOffset(
  to: StreamConnection,
  reference: string,
  stream: string,
): Promise<bigint | undefined> {
  return orUndefined(CODES.NoOffset, async () =>
    (
      await whenAvailable(() =>
        to.request('QueryOffset', (out) => {
          out.string(reference)
          out.string(stream)
        }),
      )
    ).big(),
  )
}

/** Resolves when the broker has worked through everything sent before. */
export async function barrier(to: StreamConnection): Promise<void> {
  await to
    .request('Partitions', (out) => out.string(''))
    .catch((error: unknown) => {
      if (!isRefusal(error)) throw error
    })
}

/**
 * Resolves when all that the node has of the stream at this moment is committed, or gone. At the leader's that is everything
 * acknowledged: it has it all, but does not know it for a moment after it was elected (osiris_writer, v1.8).
 */
export async function whenCommitted(to: StreamConnection, stream: string): Promise<void> {
  const { lastChunkId, committedChunkId } = await queryStats(to, stream)
  if (committedChunkId >= lastChunkId) return
  await whenAvailable(async () => {
    if ((await queryStats(to, stream)).committedChunkId < lastChunkId)
      throw refusal('StreamStats', CODES.StreamNotAvailable)
  })
}

/** A stream that is being created, or whose leader is being elected, is refused for a moment. */
export async function whenAvailable<T>(ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + AVAILABLE_TIMEOUT_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isRefusal(error, CODES.StreamNotAvailable) || performance.now() > until) throw error
    }
    await sleep(AVAILABLE_INTERVAL_MS)
  }
}

async function orUndefined<T>(code: number, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isRefusal(error, code)) return undefined
    throw error
  }
}
