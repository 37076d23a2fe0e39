import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { errorText } from '../../core/errors.ts'
import { tlsAdvice } from '../tls-files.ts'
import type { Connections } from './connections.ts'
import { unsupported } from './errors.ts'
import { passwordOf } from './url.ts'

const TIMEOUT_MS = 10_000
/** Thousands of consumers, each in a kilobyte. */
const MAX_ANSWER_BYTES = 64 * 1_048_576
/** A subscription's property that carries our member's id; RabbitMQ keeps and shows properties it does not know. */
export const MEMBER_PROPERTY = 'drawbridge-member'

/** A consumer of the stream protocol, as management shows it. */
export interface StreamConsumer {
  readonly stream: string
  /** The name it subscribed under; '' where it has none. */
  readonly reference: string
  /** Our member's id, or the connection of another client. */
  readonly member: string
  readonly isOurs: boolean
  /** Some seconds old. */
  readonly active: boolean
}

/** What only the management API tells: the stream protocol can list neither consumers nor stored offsets. */
export interface Management {
  consumers(): Promise<readonly StreamConsumer[]>
  /** References with stored offsets. Offsets above 2^53 are not exact. */
  tracking(stream: string): Promise<Readonly<Record<string, number>>>
}

export function createManagement(connections: Connections): Management {
  const { target, signal } = connections
  const { nodes, tls, user, place } = target
  const vhost = encodeURIComponent(target.virtualHost)

  async function get(path: string): Promise<unknown> {
    const failures: string[] = []
    for (const { host, managementPort: port } of nodes) {
      try {
        return JSON.parse(await fetchText(host, port, path))
      } catch (error) {
        signal.throwIfAborted()
        const advice = tlsAdvice(error)
        failures.push(`port ${port}: ${errorText(error)}${advice === undefined ? '' : `; ${advice}`}`)
      }
    }
    throw unsupported(
      place,
      `does not tell of members and groups, which its management API would (${failures.join('; ')})`,
      'run "rabbitmq-plugins enable rabbitmq_management rabbitmq_stream_management" on the broker, give the user the tag "monitoring" ("rabbitmqctl set_user_tags USER monitoring"), or name the port with ?management=PORT',
    )
  }

  async function fetchText(host: string, port: number, path: string): Promise<string> {
    const [password, tlsOptions] = await Promise.all([passwordOf(target), connections.tlsOptions()])
    const common = { host, port, path: `/api${path}`, auth: `${user}:${password}`, agent: false }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    const name = isIP(host) === 0 ? { servername: host } : {}
    return new Promise((resolve, reject) => {
      const asking = tls
        ? requestHttps({ ...common, ...name, ...tlsOptions, signal: limit })
        : requestHttp({ ...common, signal: limit })
      asking.on('error', (error) => reject(limit.aborted ? new Error(`no answer within ${TIMEOUT_MS} ms`) : error))
      asking.on('response', (answer) => {
        const chunks: Buffer[] = []
        let bytes = 0
        answer.on('error', reject)
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) answer.destroy(new Error(`it answers more than ${MAX_ANSWER_BYTES} bytes`))
          else chunks.push(chunk)
        })
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'))
          else reject(new Error(`it answers ${answer.statusCode}`))
        })
      })
      asking.end()
    })
  }

  return {
    async consumers() {
      return asList(await get(`/stream/consumers/${vhost}`)).map((each) => {
        const own = textAt(each, 'properties', MEMBER_PROPERTY)
        return {
          stream: textAt(each, 'queue', 'name'),
          reference: textAt(each, 'properties', 'name'),
          member: own || textAt(each, 'connection_details', 'name') || 'another client',
          isOurs: own !== '',
          active: (each as { active?: unknown }).active === true,
        }
      })
    },
    async tracking(stream) {
      const answer = await get(`/stream/${vhost}/${encodeURIComponent(stream)}/tracking?type=offset`)
      const { offsets } = answer as { offsets?: Record<string, number> }
      return offsets ?? {}
    },
  }
}

function asList(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : []
}

function textAt(value: unknown, ...path: readonly string[]): string {
  let at = value
  for (const key of path) at = (at as Record<string, unknown> | null | undefined)?.[key]
  return typeof at === 'string' ? at : ''
}
