import { DrawbridgeError } from '../../core/errors.ts'

/** Where a RabbitMQ is and who we are there. Never shown: `place` is what may be. */
export interface Target {
  readonly host: string
  readonly tls: boolean
  readonly amqpPort: number
  readonly streamPort: number
  readonly managementPort: number
  readonly user: string
  readonly password: string
  readonly virtualHost: string
  /** For messages and logs: host, port and virtual host. */
  readonly place: string
}

const PARAMETERS = ['stream', 'management']

/**
 * Reads `amqp[s]://USER:PASSWORD@HOST:PORT/VHOST?stream=PORT&management=PORT`. Ports default to RabbitMQ's own: 5672,
 * 5552 and 15672, with TLS 5671, 5551 and 15671. ERR_CONFIG, without a word of what could be a password.
 */
export function parseRabbitmqUrl(url: string): Target {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw configError('it is not a URL')
  }
  const tls = parsed.protocol === 'amqps:'
  if (!tls && parsed.protocol !== 'amqp:') throw configError('it does not begin with amqp: or amqps:')
  if (parsed.hostname === '') throw configError('it names no host')
  for (const name of parsed.searchParams.keys())
    if (!PARAMETERS.includes(name)) throw configError(`it has the unknown parameter ${JSON.stringify(name)}`)
  const [virtualHost, user, password] = [parsed.pathname.slice(1), parsed.username, parsed.password].map(decoded)
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const amqpPort = parsed.port === '' ? (tls ? 5671 : 5672) : Number(parsed.port)
  return {
    host,
    tls,
    amqpPort,
    streamPort: portOf(parsed, 'stream', tls ? 5551 : 5552),
    managementPort: portOf(parsed, 'management', tls ? 15671 : 15672),
    user: user || 'guest',
    password: password || 'guest',
    virtualHost: virtualHost || '/',
    place: `RabbitMQ at ${host}:${amqpPort}, virtual host ${JSON.stringify(virtualHost || '/')}`,
  }
}

function portOf(url: URL, name: string, otherwise: number): number {
  const given = url.searchParams.get(name)
  if (given === null) return otherwise
  const port = Number(given)
  if (!/^\d+$/.test(given) || port < 1 || port > 65_535) throw configError(`its parameter ${name} is no port number`)
  return port
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw configError('it has a % that begins no character; write %25')
  }
}

function configError(what: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONFIG',
    `the RabbitMQ URL cannot be used: ${what}; write amqp://USER:PASSWORD@HOST:5672/VHOST, with ?stream=PORT where the stream port is not 5552 (5551 with TLS)`,
  )
}
