import { COMMANDS, readMap, readStrings, RESPONSE, VERSION, writeMap } from './commands.ts'
import { openConnection, REQUEST_TIMEOUT_MS } from './connection.ts'
import type { StreamConnection } from './stream-connection.ts'
import type { Address } from './socket.ts'
import { createOutput } from './wire.ts'

export interface Login {
  readonly user: string
  readonly password: string
  readonly virtualHost: string
  /** Shown by management. */
  readonly connectionName: string
  /** Looks at what the broker tells about itself, before it is told anything; throws to refuse it. */
  checkPeer?(peer: ReadonlyMap<string, string>): void
}

/** RabbitMQ gives up on a client after two to three times this silence. */
const HEARTBEAT_SECONDS = 10
/**
 * What we ask for: a record of the full size in a frame. RabbitMQ's default, 1 MiB, is what it suggests; it takes what
 * the client answers (rabbit_stream_reader, v4.0: the answer replaces the configured value).
 */
export const FRAME_MAX_BYTES = 32 * 1_048_576

/**
 * Peer properties, SASL PLAIN, tune, open. A refusal has `refused`; nothing of the login is in any message. The connection
 * ends when `signal` aborts.
 */
export async function openStreamConnection(
  address: Address,
  login: Login,
  signal?: AbortSignal,
): Promise<StreamConnection> {
  const connection = await openConnection(address, REQUEST_TIMEOUT_MS, signal)
  const onAbort = () => connection.destroy(signal?.reason as Error)
  signal?.addEventListener('abort', onAbort)
  void connection.closed.then(() => signal?.removeEventListener('abort', onAbort))
  try {
    const properties = await connection.request('PeerProperties', (out) =>
      writeMap(out, { product: 'drawbridge', platform: 'Node.js', connection_name: login.connectionName }),
    )
    const peer = readMap(properties)
    login.checkPeer?.(peer)
    const mechanisms = readStrings(await connection.request('SaslHandshake', () => undefined))
    if (!mechanisms.includes('PLAIN')) throw new Error(`RabbitMQ offers ${mechanisms.join(', ')}, but not PLAIN`)
    await connection.request('SaslAuthenticate', (out) => {
      const opaque = Buffer.from(`\0${login.user}\0${login.password}`)
      out.string('PLAIN')
      out.u32(opaque.length)
      out.raw(opaque)
    })
    const offered = await within(connection, connection.tuned)
    const frameMax = offered.frameMax === 0 ? 0 : Math.max(FRAME_MAX_BYTES, offered.frameMax)
    const seconds = Math.min(HEARTBEAT_SECONDS, offered.heartbeatSeconds || HEARTBEAT_SECONDS)
    connection.write(tuneAnswer(frameMax, seconds))
    const opened = readMap(await connection.request('Open', (out) => out.string(login.virtualHost)))
    connection.agree(frameMax, seconds, new Map([...peer, ...opened]))
    return connection
  } catch (error) {
    connection.destroy(error as Error)
    throw error
  }
}

function tuneAnswer(frameMax: number, seconds: number): Buffer {
  const out = createOutput()
  out.u32(12)
  out.u16(COMMANDS.Tune | RESPONSE)
  out.u16(VERSION)
  out.u32(frameMax)
  out.u32(seconds)
  return out.finish()
}

async function within<T>(connection: StreamConnection, promise: Promise<T>): Promise<T> {
  const timer = setTimeout(() => connection.destroy(new Error('Tune did not come in time')), REQUEST_TIMEOUT_MS)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
