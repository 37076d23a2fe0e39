import { errorText } from '../../core/errors.ts'
import { unsupported } from './errors.ts'
import type { Target } from './url.ts'

const TIMEOUT_MS = 10_000
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

export function createManagement(target: Target): Management {
  const { host, tls, managementPort: port, user, password, place } = target
  const base = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/api`
  const vhost = encodeURIComponent(target.virtualHost)
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

  async function get(path: string): Promise<unknown> {
    let failure: string
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const answer = await fetch(`${base}${path}`, { headers: { authorization }, signal, redirect: 'error' })
      if (answer.ok) return await answer.json()
      await answer.body?.cancel()
      failure = `it answers ${answer.status}`
    } catch (error) {
      failure = errorText(error)
    }
    throw unsupported(
      place,
      `does not tell of members and groups, which its management API on port ${port} would (${failure})`,
      'run "rabbitmq-plugins enable rabbitmq_management rabbitmq_stream_management" on the broker, give the user the tag "monitoring", or name the port with ?management=PORT',
    )
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
