import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ConfigLevel } from '../config-file.ts'
import { DrawbridgeError, errorText, readProperty } from '../../core/errors.ts'
import { readSecret } from './login.ts'

/** Where a bearer token comes from: a file, a program's output, or an OAuth 2 endpoint (RFC 6749, section 4.4). */
export const TOKEN_KEYS = ['file', 'command', 'url', 'clientId', 'clientSecret', 'clientSecretFile', 'scope']

const TIMEOUT_MS = 10_000
const MAX_BYTES = 65_536
/** How long one token serves several connections that log in at about the same time; afterwards it is asked for anew. */
const SHORT_LIFE_MS = 30_000
/** Asked for anew when so much of its life is over. */
const RENEW_AT = 0.8

interface Token {
  readonly text: string
  readonly lifeMs: number | undefined
}

/** ERR_CONFIG for a configuration that names none or two. A file is read at each login, other tokens are kept for most of their lives. */
export function createTokenSource(config: ConfigLevel): () => Promise<string> {
  const [file, command, url] = [config.path('file'), config.list('command'), config.text('url')]
  if ([file, command, url].filter((each) => each !== undefined).length !== 1) {
    throw config.wrong('file', 'a token comes from one place: give file, command or url')
  }
  if (file !== undefined) return () => readSecret('token.file', file)
  if (command !== undefined) return kept(() => runCommand(command))
  return kept(clientCredentials(config, url ?? ''))
}

function kept(ask: () => Promise<Token>): () => Promise<string> {
  let asking: Promise<Token> | undefined
  let until = 0
  return async () => {
    if (asking === undefined || performance.now() >= until) {
      const started = performance.now()
      until = Number.POSITIVE_INFINITY
      asking = ask().then((token) => {
        until = started + (token.lifeMs ?? lifeOf(token.text) ?? SHORT_LIFE_MS) * RENEW_AT
        return token
      })
      asking.catch(() => {
        asking = undefined
      })
    }
    return (await asking).text
  }
}

/** Of a JSON Web Token that says when it was issued and when it ends. */
function lifeOf(token: string): number | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown }
    const leftMs = Number(claims.exp) * 1_000 - Date.now()
    return Number.isFinite(leftMs) ? Math.max(0, leftMs) : undefined
  } catch {
    return undefined
  }
}

/** Without a shell. What it says besides is not shown: it may say too much. */
async function runCommand(command: readonly string[]): Promise<Token> {
  const [program = '', ...args] = command
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES })
    if (stdout.trim() === '') throw new Error('no output')
    return { text: stdout.trim(), lifeMs: undefined }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'EACCES') {
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `token.command: ${program} cannot be run (${code}): name a program that can`,
      )
    }
    const how = readProperty(error, 'killed') === true ? `took over ${TIMEOUT_MS} ms` : `ended with ${code}`
    throw unavailable(`token.command: ${program} ${how}: run it by hand and see what it wants`)
  }
}

function codeOf(error: unknown): string {
  const code = readProperty(error, 'code')
  return typeof code === 'string' || typeof code === 'number' ? String(code) : 'no output'
}

function clientCredentials(config: ConfigLevel, address: string): () => Promise<Token> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const local = url?.hostname === '127.0.0.1' || url?.hostname === 'localhost' || url?.hostname === '[::1]'
  if (url === undefined || url.username !== '' || (url.protocol !== 'https:' && !(local && url.protocol === 'http:'))) {
    throw config.wrong('url', 'give an https:// address without user and password')
  }
  const [id, secret, file, scope] = [
    config.text('clientId'),
    config.text('clientSecret'),
    config.path('clientSecretFile'),
    config.text('scope'),
  ]
  if (id === undefined) throw config.wrong('clientId', 'is missing: the endpoint of url wants to know the client')
  if ((secret === undefined) === (file === undefined)) {
    throw config.wrong('clientSecret', 'give clientSecret or clientSecretFile, one of them')
  }
  return async () => {
    const password = file === undefined ? (secret ?? '') : await readSecret('token.clientSecretFile', file)
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })
    const basic = [id, password].map((part) => encodeURIComponent(part)).join(':')
    return askEndpoint(url, form, `Basic ${Buffer.from(basic).toString('base64')}`)
  }
}

async function askEndpoint(url: URL, body: URLSearchParams, authorization: string): Promise<Token> {
  const place = `token.url: ${url.host}`
  let answer: Response
  let text: string
  try {
    answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { authorization, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    text = await textUpTo(answer, MAX_BYTES)
  } catch (error) {
    throw unavailable(`${place} did not answer (${errorText(error)}): check that it runs and can be reached from here`)
  }
  if (answer.status >= 500 || answer.status === 429)
    throw unavailable(`${place} answered ${answer.status}: try again later`)
  const token = answer.ok ? parseToken(text) : undefined
  if (token !== undefined) return token
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${place} gave no token (status ${answer.status}): check clientId, its secret and scope`,
  )
}

async function textUpTo(answer: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseToken(text: string): Token | undefined {
  try {
    const { access_token: token, expires_in: seconds } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (typeof token !== 'string' || token === '') return undefined
    return { text: token, lifeMs: Number(seconds) > 0 ? Number(seconds) * 1_000 : undefined }
  } catch {
    return undefined
  }
}

function unavailable(message: string): DrawbridgeError {
  return new DrawbridgeError('ERR_BROKER_UNREACHABLE', message, { details: { outcome: 'not-written' } })
}
