import { afterAll } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { openBackend } from '../../../src/backends/open.ts'
import { openStreamConnection } from '../../../src/backends/rabbitmq/protocol/handshake.ts'
import type { StreamConnection } from '../../../src/backends/rabbitmq/protocol/stream-connection.ts'
import { parseRabbitmqUrl } from '../../../src/backends/rabbitmq/url.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { errorText, isDrawbridgeError } from '../../../src/core/errors.ts'
import type { Log } from '../../../src/core/log.ts'

const {
  RABBITMQ_URL: url = '',
  RABBITMQ_TLS_URL: tlsUrl = '',
  RABBITMQ_MANAGEMENT_URL: managementUrl = '',
} = process.env
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('rabbitmq')

/** The broker that others use, too. */
export const shared = { url, tlsUrl, managementUrl }
/** Why nothing can be tested here. A broker that is required and missing makes the tests fail. */
export const missing =
  (url === '' || tlsUrl === '' || managementUrl === '') && !required
    ? 'RABBITMQ_URL, RABBITMQ_TLS_URL and RABBITMQ_MANAGEMENT_URL name no broker'
    : undefined

const closers: (() => unknown)[] = []
afterAll(async () => {
  await Promise.allSettled(closers.splice(0).map((close) => close()))
})

/** Called when the test file ends. */
export function atEnd(close: () => unknown): void {
  closers.push(close)
}

/** Everything that was logged by what `openLogged` opened, as text. */
export const logged: string[] = []
const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`)
export const log: Log = { debug: note, info: note, warn: note, error: note }

/** Closed when the test file ends. */
export async function openLogged(address: string): Promise<Backend> {
  const backend = await openBackend(address, { log })
  closers.push(() => backend.close())
  return backend
}

/** For questions that no backend asks, to the first node of the URL. */
export async function openOnlooker(address: string): Promise<StreamConnection> {
  const { host, streamPort: port } = parseRabbitmqUrl(address).nodes[0]
  const login = { user: 'guest', password: 'guest', virtualHost: '/', connectionName: 'looks on' }
  return openStreamConnection({ host, port, tls: undefined }, login)
}

/** What a call that has to fail said: its code and everything else that it shows. */
export async function mistake(call: Promise<unknown>): Promise<{ readonly code: string; readonly text: string }> {
  const error: unknown = await call.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  )
  return { code: isDrawbridgeError(error) ? error.code : errorText(error), text: shown(error) }
}

/** All of an error that may reach a log: message, details, stack and causes. */
function shown(error: unknown): string {
  const { cause, stack = '' } = error as Error
  const rest = inspect(error, { depth: 5 })
  return `${errorText(error)}\n${stack}\n${rest}\n${cause === undefined ? '' : shown(cause)}`
}

/** `url` with another login, path or parameters; undefined removes a parameter. */
export function changed(
  address: string,
  change: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'hostname' | 'port'>>,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const other = Object.assign(new URL(address), change)
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) other.searchParams.delete(name)
    else other.searchParams.set(name, value)
  }
  return other.href
}

/** The password of those that `createUser` makes. */
export const SECRET = 'S3cret-%&/pass'

export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`
}

/** A user of the management API's making, whose URL this is. */
export async function createUser(
  rights: { configure?: string; write?: string; read?: string } = {},
  tags = 'monitoring',
): Promise<string> {
  const name = unique('user')
  await putByManagement(`/users/${name}`, { password: SECRET, tags })
  atEnd(() => deleteByManagement(`/users/${name}`))
  await putByManagement(`/permissions/%2F/${name}`, { configure: '.*', write: '.*', read: '.*', ...rights })
  return changed(shared.url, { username: name, password: encodeURIComponent(SECRET) })
}

/** Puts a user, its rights or a virtual host by the management API. */
export async function putByManagement(path: string, body: object): Promise<void> {
  await byManagement('PUT', path, body)
}

export async function deleteByManagement(path: string): Promise<void> {
  await byManagement('DELETE', path)
}

async function byManagement(method: string, path: string, body?: object): Promise<void> {
  const headers = {
    authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`,
    'content-type': 'application/json',
  }
  const asked = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const answer = await fetch(`${managementUrl}/api${path}`, asked)
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}
