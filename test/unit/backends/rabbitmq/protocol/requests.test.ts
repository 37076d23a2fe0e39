import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type Command,
  type OffsetSpec,
  readMap,
  readMetadata,
  readStats,
  readStrings,
} from '../../../../../src/backends/rabbitmq/protocol/commands.ts'
import * as requests from '../../../../../src/backends/rabbitmq/protocol/requests.ts'
import type { StreamConnection } from '../../../../../src/backends/rabbitmq/protocol/stream-connection.ts'
import {
  createCursor,
  createOutput,
  type Cursor,
  type Output,
} from '../../../../../src/backends/rabbitmq/protocol/wire.ts'
import { ANY, decode, type Kind, WRITE } from './grammar.ts'

/** What is written to a connection, and what it answers. */
function recorder(answer: Buffer = Buffer.alloc(16)) {
  const sent: { command: Command; body: Buffer }[] = []
  const record = (command: Command, write: (out: Output) => void) => {
    const out = createOutput()
    write(out)
    sent.push({ command, body: out.finish() })
  }
  const to = {
    request: async (command: Command, write: (out: Output) => void) => {
      record(command, write)
      return createCursor(answer)
    },
    command: record,
  } as unknown as StreamConnection
  return { to, sent }
}

type Call = (to: StreamConnection, ...values: never[]) => unknown
const call = <A extends unknown[]>(send: (to: StreamConnection, ...values: A) => unknown) => send as unknown as Call
const settled = (promise: Promise<unknown>) => promise.catch(() => undefined)

/** Every command we send, with its grammar (rabbitmq-server v4.0, deps/rabbitmq_stream/docs/PROTOCOL.adoc). */
const COMMANDS: readonly (readonly [Command, readonly Kind[], Call])[] = [
  ['Create', ['string', 'map'], call(requests.createStream)],
  ['Delete', ['string'], call(requests.deleteStream)],
  ['CreateSuperStream', ['string', 'strings', 'strings', 'map'], call(requests.createSuperStream)],
  ['DeleteSuperStream', ['string'], call(requests.deleteSuperStream)],
  ['Partitions', ['string'], call(requests.queryPartitions)],
  ['Route', ['string', 'string'], call(requests.queryRoute)],
  ['Metadata', ['strings'], call(requests.queryMetadata)],
  ['StreamStats', ['string'], call((to, stream: string) => settled(requests.queryStats(to, stream)))],
  ['DeclarePublisher', ['u8', 'string', 'string'], call(requests.declarePublisher)],
  ['DeletePublisher', ['u8'], call(requests.deletePublisher)],
  [
    'Subscribe',
    ['u8', 'string', 'offset', 'u16', 'map'],
    call((to, id: number, stream: string, offset: OffsetSpec, credit: number, properties: Record<string, string>) =>
      requests.subscribe(to, { id, stream, offset, credit, properties }),
    ),
  ],
  ['Unsubscribe', ['u8'], call(requests.unsubscribe)],
  ['Credit', ['u8', 'u16'], call(requests.sendCredit)],
  ['StoreOffset', ['string', 'string', 'u64'], call(requests.storeOffset)],
  ['QueryOffset', ['string', 'string'], call(requests.queryOffset)],
]

const { string, u16, u32, u64, many } = WRITE
const safe = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) })
const stats = fc
  .tuple(safe, safe, fc.option(safe), ANY.string, safe)
  .map(([firstChunkId, committedChunkId, lastChunkId, name, other]) => ({
    bytes: many([
      Buffer.concat([string('first_chunk_id'), u64(firstChunkId)]),
      Buffer.concat([string(`x${name}`), u64(other)]),
      Buffer.concat([string('committed_chunk_id'), u64(committedChunkId)]),
      ...(lastChunkId === null ? [] : [Buffer.concat([string('last_chunk_id'), u64(lastChunkId)])]),
    ]),
    expected: {
      firstChunkId: Number(firstChunkId),
      committedChunkId: Number(committedChunkId),
      lastChunkId: Number(lastChunkId ?? committedChunkId),
    },
  }))
const metadata = fc
  .tuple(fc.array(fc.tuple(ANY.string, ANY.u32), { maxLength: 4 }), ANY.strings)
  .map(([nodes, streams]) => ({
    bytes: Buffer.concat([
      many(nodes.map(([host, port], index) => Buffer.concat([u16(index), string(host), u32(port)]))),
      many(streams.map((name, at) => Buffer.concat([string(name), u16(1), u16(at % 6), many([u16(0), u16(1)])]))),
    ]),
    expected: streams.map((stream, at) => {
      const [host, port] = nodes[at % 6] ?? []
      const replicas = nodes.slice(0, 2).map(([name, at]) => ({ host: name, port: at }))
      return { stream, code: 1, leader: host === undefined ? null : { host, port }, replicas }
    }),
  }))
/** Every body we read, as somebody else writes it. */
const BODIES: Readonly<
  Record<string, { read(cursor: Cursor): unknown; any: fc.Arbitrary<{ bytes: Buffer; expected: unknown }> }>
> = {
  strings: { read: readStrings, any: ANY.strings.map((list) => ({ bytes: many(list.map(string)), expected: list })) },
  map: {
    read: (cursor) => Object.fromEntries(readMap(cursor)),
    any: ANY.map.map((map) => ({
      bytes: many(Object.entries(map).map(([key, value]) => Buffer.concat([string(key), string(value)]))),
      expected: map,
    })),
  },
  stats: { read: readStats, any: stats },
  metadata: { read: readMetadata, any: metadata },
}

/** All beginnings of the bytes. */
function cuts(bytes: Buffer): readonly Buffer[] {
  return Array.from(bytes, (_, length) => bytes.subarray(0, length))
}

/** What reading complained about; undefined where it did not. Anything but our own complaint is a fault. */
function complaint(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (String(error).includes('malformed')) return String(error)
    throw error
  }
}

describe('requests of the stream protocol', () => {
  it.each(COMMANDS)('%s-says-what-it-was-given-and-nothing-more', async (command, kinds, send) => {
    const any = fc.tuple(...kinds.map((kind) => ANY[kind] as fc.Arbitrary<unknown>))
    await fc.assert(
      fc.asyncProperty(any, async (values) => {
        const { to, sent } = recorder()
        await send(to, ...(values as never[]))
        expect(sent.map((each) => each.command)).toEqual([command])
        expect(decode(sent[0]?.body as Buffer, kinds)).toEqual(values)
      }),
    )
  })

  it.each(Object.entries(BODIES))(
    '%s-are-read-as-they-were-written-and-refused-when-cut-anywhere',
    (_, { read, any }) => {
      fc.assert(
        fc.property(any, ({ bytes, expected }) => {
          expect(read(createCursor(bytes))).toEqual(expected)
          const whole = cuts(bytes).filter((cut) => complaint(() => read(createCursor(cut))) === undefined)
          expect(whole).toEqual([])
        }),
        { numRuns: 40 },
      )
    },
  )

  it.each(Object.entries(BODIES))('random-bytes-are-%s-or-refused', (_, { read }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        complaint(() => read(createCursor(Buffer.from(bytes))))
      }),
      { numRuns: 2_000 },
    )
  })

  it('a-claimed-count-allocates-nothing', () => {
    const before = process.memoryUsage()
    for (const { read } of Object.values(BODIES))
      for (const claim of [0xffffffff, 0x7fffffff, 1_000_000])
        expect(() => read(createCursor(u32(claim)))).toThrow(/malformed/)
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1_000_000)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(10_000_000)
  })

  it('a-name-that-does-not-fit-is-refused-before-anything-is-sent', async () => {
    const { to, sent } = recorder()
    await expect(requests.deleteStream(to, 'x'.repeat(32_768))).rejects.toThrow('32767 are possible')
    expect(sent).toEqual([])
  })
})
