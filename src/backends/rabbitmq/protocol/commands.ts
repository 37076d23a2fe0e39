import { type Cursor, type Output, malformed } from './wire.ts'

/** Keys of the RabbitMQ stream protocol (rabbitmq-server v4.0, deps/rabbitmq_stream/docs/PROTOCOL.adoc). */
export const COMMANDS = {
  DeclarePublisher: 1,
  Publish: 2,
  PublishConfirm: 3,
  PublishError: 4,
  QueryPublisherSequence: 5,
  DeletePublisher: 6,
  Subscribe: 7,
  Deliver: 8,
  Credit: 9,
  StoreOffset: 10,
  QueryOffset: 11,
  Unsubscribe: 12,
  Create: 13,
  Delete: 14,
  Metadata: 15,
  MetadataUpdate: 16,
  PeerProperties: 17,
  SaslHandshake: 18,
  SaslAuthenticate: 19,
  Tune: 20,
  Open: 21,
  Close: 22,
  Heartbeat: 23,
  Route: 24,
  Partitions: 25,
  ConsumerUpdate: 26,
  ExchangeCommandVersions: 27,
  StreamStats: 28,
  CreateSuperStream: 29,
  DeleteSuperStream: 30,
} as const

export type Command = keyof typeof COMMANDS

export const RESPONSE = 0x8000
export const VERSION = 1

export const CODES = {
  OK: 1,
  StreamDoesNotExist: 2,
  StreamAlreadyExists: 5,
  StreamNotAvailable: 6,
  AuthenticationFailure: 8,
  AuthenticationFailureLoopback: 11,
  VirtualHostAccessFailure: 12,
  FrameTooLarge: 14,
  AccessRefused: 16,
  PreconditionFailed: 17,
  PublisherDoesNotExist: 18,
  NoOffset: 19,
} as const

const MEANINGS: Readonly<Record<number, string>> = {
  2: 'the stream does not exist',
  3: 'the subscription exists already',
  4: 'the subscription does not exist',
  5: 'the stream exists already',
  6: 'the stream is not available',
  7: 'SASL mechanism not supported',
  8: 'authentication failed',
  9: 'SASL error',
  10: 'SASL challenge',
  11: 'this user may connect from localhost only',
  12: 'no access to the virtual host',
  13: 'unknown frame',
  14: 'frame too large',
  15: 'internal error',
  16: 'access refused',
  17: 'precondition failed',
  18: 'the publisher does not exist',
  19: 'no offset stored',
}

/** The broker answered a request with another code than OK. `code` and `command` let the caller map it. */
export interface Refusal extends Error {
  readonly refused: { readonly command: Command; readonly code: number }
}

export function refusal(command: Command, code: number): Refusal {
  const error = new Error(`RabbitMQ refused ${command}: ${meaningOf(code)} (code ${code})`)
  return Object.assign(error, { refused: { command, code } })
}

export function isRefusal(error: unknown, code?: number): error is Refusal {
  const refused = (error as { refused?: { code?: unknown } } | null | undefined)?.refused
  return typeof refused === 'object' && (code === undefined || refused.code === code)
}

export function meaningOf(code: number): string {
  return MEANINGS[code] ?? 'for an unknown reason'
}

/** Where a subscription begins. `first` and `last` are those retained; `last` is the last chunk of user records. */
export type OffsetSpec =
  | 'none'
  | 'first'
  | 'last'
  | 'next'
  | { readonly offset: number }
  | { readonly timestamp: number }

const OFFSET_TYPES = { none: 0, first: 1, last: 2, next: 3 } as const

export function writeOffsetSpec(out: Output, spec: OffsetSpec): void {
  if (typeof spec === 'string') out.u16(OFFSET_TYPES[spec])
  else if ('offset' in spec) {
    out.u16(4)
    out.u64(spec.offset)
  } else {
    out.u16(5)
    out.big(BigInt.asUintN(64, BigInt(Math.trunc(spec.timestamp))))
  }
}

export function writeMap(out: Output, map: Readonly<Record<string, string>>): void {
  const entries = Object.entries(map)
  out.u32(entries.length)
  for (const [key, value] of entries) {
    out.string(key)
    out.string(value)
  }
}

export function writeStrings(out: Output, strings: readonly string[]): void {
  out.u32(strings.length)
  for (const each of strings) out.string(each)
}

export function readMap(cursor: Cursor): Map<string, string> {
  const map = new Map<string, string>()
  for (let left = cursor.count(4); left > 0; left--) map.set(cursor.string(), cursor.string())
  return map
}

export function readStrings(cursor: Cursor): string[] {
  return Array.from({ length: cursor.count(2) }, () => cursor.string())
}

/** Where a node says that it serves streams. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface StreamMetadata {
  readonly stream: string
  readonly code: number
  readonly leader: Endpoint | null
  readonly replicas: readonly Endpoint[]
}

export function readMetadata(cursor: Cursor): StreamMetadata[] {
  const nodes = new Map<number, Endpoint>()
  for (let left = cursor.count(8); left > 0; left--) {
    nodes.set(cursor.u16(), { host: cursor.string(), port: cursor.u32() })
  }
  return Array.from({ length: cursor.count(10) }, () => {
    const [stream, code, leader] = [cursor.string(), cursor.u16(), cursor.u16()]
    const replicas = Array.from({ length: cursor.count(2) }, () => nodes.get(cursor.u16()) ?? [])
    return { stream, code, leader: nodes.get(leader) ?? null, replicas: replicas.flat() }
  })
}

export interface StreamStats {
  /** Lowest chunk retained, of whatever kind; -1 where there is none. */
  readonly firstChunkId: number
  /** Highest chunk that is committed, of whatever kind; -1 where there is none, or the leader is new and does not know. */
  readonly committedChunkId: number
  /** Highest chunk there is, of whatever kind; -1 where there is none. A RabbitMQ that does not tell it says what is committed. */
  readonly lastChunkId: number
}

export function readStats(cursor: Cursor): StreamStats {
  const stats = new Map<string, number>()
  for (let left = cursor.count(10); left > 0; left--) stats.set(cursor.string(), cursor.i64())
  const firstChunkId = stats.get('first_chunk_id')
  const committedChunkId = stats.get('committed_chunk_id')
  if (firstChunkId === undefined || committedChunkId === undefined)
    throw malformed('stream statistics without chunk ids')
  return { firstChunkId, committedChunkId, lastChunkId: stats.get('last_chunk_id') ?? committedChunkId }
}
