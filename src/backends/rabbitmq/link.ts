import { randomUUID } from 'node:crypto'
import { errorText } from '../../core/errors.ts'
import { brokerError, closedError, unsupported } from './errors.ts'
import { CODES, isRefusal } from './protocol/commands.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { openStreamConnection } from './protocol/handshake.ts'
import { openSocket } from './protocol/socket.ts'
import type { Target } from './url.ts'

const LEAST_VERSION = [3, 13] as const
const PROBE_TIMEOUT_MS = 3_000

/**
 * A new connection of the stream protocol. ERR_BROKER_UNREACHABLE, ERR_CONFIG (login, virtual host), ERR_UNSUPPORTED for
 * a RabbitMQ that is too old or has no stream plugin, with the command that mends it.
 */
export async function openLink(target: Target, name: string): Promise<StreamConnection> {
  const { host, streamPort: port, tls, user, password, virtualHost, place } = target
  let connection: StreamConnection
  try {
    const login = { user, password, virtualHost, connectionName: name }
    connection = await openStreamConnection({ host, port, tls }, login)
  } catch (error) {
    // A connection that broke on the way says nothing of what the broker can do.
    if (isNoStreamPort(error) && (await answersAmqp(target))) {
      throw unsupported(
        place,
        `takes AMQP but no streams on port ${port} (${errorText(error)})`,
        'run "rabbitmq-plugins enable rabbitmq_stream" on the broker, or name its stream port with ?stream=PORT',
      )
    }
    throw brokerError(place, `cannot open a stream connection on port ${port}`, error, 'not-written')
  }
  const version = connection.peer.get('version') ?? '0'
  if (isOlder(version)) {
    connection.destroy(new Error('too old'))
    throw unsupported(
      place,
      `is RabbitMQ ${version}`,
      `super streams need ${LEAST_VERSION.join('.')} or later; upgrade, then "rabbitmqctl enable_feature_flag all"`,
    )
  }
  return connection
}

function isNoStreamPort(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ECONNREFUSED' || errorText(error).startsWith('malformed')
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1])
}

async function answersAmqp({ host, amqpPort: port, tls }: Target): Promise<boolean> {
  try {
    const socket = await openSocket({ host, port, tls }, PROBE_TIMEOUT_MS)
    socket.on('error', () => socket.destroy())
    socket.destroy()
    return true
  } catch {
    // Neither port answers: it is the broker that is away.
    return false
  }
}

/** One connection, opened when it is needed and again after it was lost. */
export interface Link {
  /** Runs a question; asks once more on a new connection when it is lost meanwhile. `what` names it in errors. */
  ask<T>(what: string, question: (connection: StreamConnection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createLink(target: Target, purpose: string): Link {
  let current: Promise<StreamConnection> | undefined
  let closed = false

  function connected(): Promise<StreamConnection> {
    current ??= open()
    return current
  }

  function open(): Promise<StreamConnection> {
    const opening = openLink(target, `${purpose} ${randomUUID()}`)
    const forget = () => {
      if (current === opening) current = undefined
    }
    opening.then((connection) => connection.closed.then(forget), forget)
    return opening
  }

  return {
    async ask(what, question) {
      for (let tries = 1; ; tries++) {
        if (closed) throw closedError(target.place)
        const connection = await connected()
        try {
          return await question(connection)
        } catch (error) {
          if (closed) throw closedError(target.place)
          const lost = connection.failure !== undefined
          if (lost && tries < 2) continue
          if (isRefusal(error, CODES.StreamDoesNotExist)) throw error
          throw brokerError(target.place, what, error, 'not-written')
        }
      }
    },
    async close() {
      closed = true
      const connection = await current?.catch(() => undefined)
      await connection?.close()
    },
  }
}
