// The only file that knows kafkajs's insides (kafkajs 2.2.4, pinned exactly): its Connection gives us framing, TLS and
// SASL, and nothing above it is used.
import { createRequire } from 'node:module'
import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type ByteReader, createReader } from './bytes.ts'

/** One request of Kafka's protocol and how its answer is read. */
export interface Call<T> {
  readonly key: number
  readonly version: number
  readonly name: string
  /** Header version 2 (KIP-482). */
  readonly flexible?: boolean
  readonly body: Buffer
  read(reader: ByteReader): T
}

/** One connection to one node. It is used until it breaks, and never connected again. */
export interface Link {
  /**
   * Sends and reads the answer. Rejects with ERR_BROKER_UNREACHABLE; `outcome` is `not-written` where the request never
   * went out, else `unknown`. An answer that does not come within `timeoutMs` breaks the connection.
   */
  request<T>(call: Call<T>, timeoutMs: number): Promise<T>
  readonly broken: boolean
  close(): void
}

export interface LinkOptions {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly login: { readonly user: string; readonly password: string } | undefined
  readonly log: Log
}

interface KafkaJsConnection {
  connect(): Promise<unknown>
  authenticate(): Promise<void>
  setVersions(versions: Record<number, unknown>): void
  setSupportAuthenticationProtocol(supported: boolean): void
  rejectRequests(error: Error): void
  send(protocol: object): Promise<unknown>
  readonly requestQueue: {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests(): void
    push(request: object): void
  }
}

const require = createRequire(import.meta.url)
const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => KafkaJsConnection
export const crc32c = require('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Uint8Array) => number

const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const CLIENT_ID = 'drawbridge'
const API_VERSIONS = 18
/** What kafkajs says of a request that it has not written. */
const NOT_CONNECTED = 'Not connected'
const SASL_AUTHENTICATE = 36

/** Connects and logs in. ERR_BROKER_UNREACHABLE (not written), ERR_CONFIG where the login is refused. */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { host, port, tls, login } = options
  const place = `${host}:${port}`
  let socket: Socket | undefined
  let broken = false

  const connection = new Connection({
    host,
    port,
    clientId: CLIENT_ID,
    ssl: tls ? {} : null,
    sasl: login === undefined ? null : { mechanism: 'plain', username: login.user, password: login.password },
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: CONNECT_TIMEOUT_MS,
    // Its clock looks at all requests every 100 ms for ever; ours is set for one request and cleared.
    enforceRequestTimeout: false,
    logger: quietLogger(options.log, place),
    socketFactory: ({ onConnect }: { onConnect: () => void }) => {
      const opened = tls
        ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) }, onConnect)
        : connectTcp({ host, port }, onConnect)
      opened.setNoDelay(true)
      opened.setKeepAlive(true, KEEP_ALIVE_MS)
      // kafkajs hears of `end` and `error`; a reset after a half-close is only a `close`.
      opened.on('close', () => breakNow(new Error('connection closed')))
      socket = opened
      return opened
    },
  })
  // kafkajs issue 1751: its queue starts a timer of a negative time after every answer, and that one starts the next.
  const queue = connection.requestQueue
  const check = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) check()
  }
  // A request that was being encoded when the connection broke was in no queue yet: nobody would ever reject it.
  const push = queue.push.bind(queue)
  queue.push = (request) => {
    if (broken) throw new Error(NOT_CONNECTED)
    push(request)
  }

  function breakNow(error: Error): void {
    if (broken) return
    broken = true
    connection.rejectRequests(error)
    socket?.destroy()
  }

  const link: Link = {
    async request(call, timeoutMs) {
      const timer = setTimeout(() => breakNow(new Error(`no answer to ${call.name} within ${timeoutMs} ms`)), timeoutMs)
      try {
        return (await connection.send(protocolOf(call))) as Awaited<ReturnType<typeof call.read>>
      } catch (error) {
        // This text means that it was refused before it was written; whatever else happened, it may have gone out.
        const outcome = errorText(error) === NOT_CONNECTED ? 'not-written' : 'unknown'
        breakNow(error as Error)
        throw unreachable(place, `${call.name}: ${errorText(error)}`, outcome, error)
      } finally {
        clearTimeout(timer)
      }
    },
    get broken() {
      return broken
    },
    close: () => breakNow(new Error('closed')),
  }

  try {
    await connection.connect()
    const versions = await link.request(API_VERSIONS_CALL, CONNECT_TIMEOUT_MS)
    connection.setVersions(versions)
    connection.setSupportAuthenticationProtocol(versions[SASL_AUTHENTICATE] !== undefined)
  } catch (error) {
    link.close()
    throw unreachable(place, errorText(error), 'not-written', error)
  }
  try {
    await connection.authenticate()
  } catch (error) {
    link.close()
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `Kafka at ${place} refuses the login: check user and password in the broker URL, and that SASL PLAIN is enabled`,
      { cause: error, details: { broker: place, outcome: 'not-written' } },
    )
  }
  return link
}

export function unreachable(
  place: string,
  what: string,
  outcome: 'not-written' | 'unknown',
  cause?: unknown,
): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_BROKER_UNREACHABLE',
    `Kafka at ${place} did not answer (${what}): check that it runs and can be reached from here`,
    { cause, details: { broker: place, outcome } },
  )
}

function protocolOf<T>(call: Call<T>): object {
  return {
    request: {
      apiKey: call.key,
      apiVersion: call.version,
      apiName: call.name,
      encode: async () => {
        // A flexible request's header ends with its tagged fields, which kafkajs's header has not.
        const body = call.flexible === true ? Buffer.concat([Buffer.alloc(1), call.body]) : call.body
        // All that its header's encoder asks of a payload's.
        return { buf: body, buffer: body, size: () => body.length }
      },
    },
    response: {
      decode: async (payload: Buffer) => {
        const reader = createReader(payload)
        if (call.flexible === true) reader.skipTags()
        return { answer: call.read(reader) }
      },
      parse: async ({ answer }: { answer: T }) => answer,
    },
    logResponseError: false,
  }
}

const API_VERSIONS_CALL: Call<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> = {
  key: API_VERSIONS,
  version: 0,
  name: 'ApiVersions',
  body: Buffer.alloc(0),
  read(reader) {
    reader.int16()
    const entries = reader.array(
      () => [reader.int16(), { minVersion: reader.int16(), maxVersion: reader.int16() }] as const,
    )
    return Object.fromEntries(entries)
  },
}

/** kafkajs logs connection errors itself; ours are thrown to whoever asked, so its lines are details. */
function quietLogger(log: Log, broker: string): object {
  const debug = (message: string) => log.debug({ broker }, `kafkajs: ${message}`)
  const nothing = () => undefined
  const logger = { debug: nothing, info: nothing, warn: debug, error: debug, namespace: () => logger }
  return logger
}
