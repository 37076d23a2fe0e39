// The only file that knows kafkajs's insides (kafkajs 2.2.4, pinned exactly): its Connection gives us requests and
// their order; sasl.ts has the logins, and nothing above is used.
import { createRequire } from 'node:module'
import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { DrawbridgeError, errorText, isDrawbridgeError, readProperty } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { tlsAdvice } from '../tls-files.ts'
import { createReader } from './bytes.ts'
import type { Call } from './call.ts'
import { type Outcome, unreachable, withOutcome } from './errors.ts'
import { createFrames } from './frames.ts'
import type { Login } from './login.ts'
import { logIn } from './sasl.ts'
import type { TlsSettings } from './settings.ts'

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
  readonly tls: TlsSettings | undefined
  readonly login: Login | undefined
  readonly log: Log
}

interface KafkaJsConnection {
  connect(): Promise<unknown>
  rejectRequests(error: Error): void
  send(protocol: object): Promise<unknown>
  processData(bytes: Buffer): void
  readonly requestQueue: {
    readonly pending: readonly unknown[]
    readonly inflight: ReadonlyMap<number, unknown>
    scheduleCheckPendingRequests(): void
    push(request: object): void
    fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void
  }
}

const require = createRequire(import.meta.url)
const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => KafkaJsConnection

const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const CLIENT_ID = 'drawbridge'
/** What kafkajs says of a request that it has not written. */
const NOT_CONNECTED = 'Not connected'
/** A login that the broker limits is renewed when so much of its time is over. */
const RENEW_AT = 0.8
const CORRELATION_BYTES = 4

/**
 * Connects and logs in; the login is renewed (KIP-368) before the request that would come too late. ERR_BROKER_UNREACHABLE
 * (not written), ERR_CONFIG where TLS fails for good or the login is refused.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { host, port, login, log } = options
  const place = `${host}:${port}`
  const tls = await options.tls?.read()
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => undefined)
  let socket: Socket | undefined
  let broken = false
  let brokenBy: Error | undefined
  let reached = false
  let answers = 0
  let renewAt = Number.POSITIVE_INFINITY
  let renewing: Promise<void> | undefined

  const connection = new Connection({
    host,
    port,
    clientId: CLIENT_ID,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: CONNECT_TIMEOUT_MS,
    // Its clock looks at all requests every 100 ms for ever; ours is set for one request and cleared.
    enforceRequestTimeout: false,
    logger: quietLogger(log, place),
    socketFactory: ({ onConnect }: { onConnect: () => void }) => {
      const servername = options.tls?.servername ?? (isIP(host) === 0 ? host : undefined)
      const opened =
        tls === undefined
          ? connectTcp({ host, port }, onConnect)
          : connectTls({ host, port, ...tls, ...(servername === undefined ? {} : { servername }) }, onConnect)
      opened.once('connect', () => {
        reached = true
      })
      opened.setNoDelay(true)
      opened.setKeepAlive(true, KEEP_ALIVE_MS)
      // kafkajs hears of `end` and `error`; a reset after a half-close is only a `close`.
      opened.on('close', () => breakNow(new Error('connection closed')))
      socket = opened
      return opened
    },
  })
  const queue = connection.requestQueue
  // kafkajs issue 1751: its queue starts a timer of a negative time after every answer, and that one starts the next.
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
  // kafkajs's own throws in the socket's handler for a frame that is too short, which would end the process, and holds
  // whatever a length claims; an answer to no request it passes over, and whoever waits would wait for the time limit.
  const frames = createFrames((frame) => {
    const correlationId = frame.readInt32BE(0)
    if (!queue.inflight.has(correlationId)) throw new RangeError(`an answer to request ${correlationId}, never made`)
    answers++
    queue.fulfillRequest({ correlationId, payload: frame.subarray(CORRELATION_BYTES), size: frame.length })
  })
  connection.processData = (bytes) => {
    if (broken) return
    try {
      frames(bytes)
    } catch (error) {
      breakNow(new Error(`it does not speak Kafka's protocol: ${errorText(error)}`))
    }
  }

  function breakNow(error: Error): void {
    if (broken) return
    broken = true
    brokenBy = error
    connection.rejectRequests(error)
    gone.reject(error)
    socket?.destroy()
  }

  async function ask<T>(call: Call<T>, timeoutMs: number): Promise<T> {
    const timer = setTimeout(() => breakNow(new Error(`no answer to ${call.name} within ${timeoutMs} ms`)), timeoutMs)
    try {
      return (await connection.send(protocolOf(call))) as Awaited<ReturnType<typeof call.read>>
    } catch (error) {
      // This text means that it was refused before it was written; whatever else happened, it may have gone out.
      const unwritten = errorText(error) === NOT_CONNECTED
      const cause = unwritten ? (brokenBy ?? error) : error
      breakNow(error as Error)
      throw failed(cause, unwritten ? 'not-written' : 'unknown', `${call.name}: `)
    } finally {
      clearTimeout(timer)
    }
  }

  function failed(error: unknown, outcome: Outcome, during = ''): DrawbridgeError {
    const advice = tlsAdvice(error)
    if (advice === undefined) return unreachable(place, `${during}${errorText(error)}${hint()}`, outcome, error)
    return new DrawbridgeError(
      'ERR_CONFIG',
      `no TLS with Kafka at ${place} (${String(readProperty(error, 'code'))}): ${advice}`,
      {
        cause: error,
        details: { broker: place, outcome },
      },
    )
  }

  /** A broker that is spoken to in another way than its port is set up for hangs up without a word. */
  function hint(): string {
    if (!reached) return ''
    if (answers === 0 && tls !== undefined) return '; if that port does not speak TLS, begin the URL with kafka://'
    if (answers === 0) return '; if that port speaks TLS, begin the URL with kafka+ssl://'
    if (answers === 1 && login === undefined) return '; if that port wants a login, give user and password'
    return ''
  }

  async function authenticate(): Promise<void> {
    if (login === undefined) return
    const started = performance.now()
    try {
      const lifeMs = await logIn((call) => ask(call, CONNECT_TIMEOUT_MS), login, place)
      renewAt = lifeMs > 0 ? started + lifeMs * RENEW_AT : Number.POSITIVE_INFINITY
    } catch (error) {
      breakNow(error as Error)
      throw isDrawbridgeError(error) ? withOutcome(error, 'not-written') : failed(error, 'not-written')
    }
  }

  try {
    await Promise.race([connection.connect(), gone.promise])
    await ask(API_VERSIONS_CALL, CONNECT_TIMEOUT_MS)
  } catch (error) {
    breakNow(error as Error)
    throw isDrawbridgeError(error) ? withOutcome(error, 'not-written') : failed(error, 'not-written')
  }
  await authenticate()

  return {
    async request(call, timeoutMs) {
      if (performance.now() >= renewAt) {
        renewing ??= authenticate().finally(() => {
          renewing = undefined
        })
        await renewing
      }
      return ask(call, timeoutMs)
    },
    get broken() {
      return broken
    },
    close: () => breakNow(new Error('closed')),
  }
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
        try {
          const reader = createReader(payload)
          if (call.flexible === true) reader.skipTags()
          return { answer: call.read(reader) }
        } catch (error) {
          throw new Error(`an answer that cannot be read: ${errorText(error)}`, { cause: error })
        }
      },
      parse: async ({ answer }: { answer: T }) => answer,
    },
    logResponseError: false,
  }
}

/** The first request, which every broker answers before a login, too. What it can do is not asked: see calls-topics.ts. */
const API_VERSIONS_CALL: Call<number> = {
  key: 18,
  version: 0,
  name: 'ApiVersions',
  body: Buffer.alloc(0),
  read: (reader) => reader.int16(),
}

/** kafkajs logs connection errors itself; ours are thrown to whoever asked, so its lines are details. */
function quietLogger(log: Log, broker: string): object {
  const debug = (message: string) => log.debug({ broker }, `kafkajs: ${message}`)
  const nothing = () => undefined
  const logger = { debug: nothing, info: nothing, warn: debug, error: debug, namespace: () => logger }
  return logger
}
