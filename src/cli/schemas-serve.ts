import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import type { Logins } from '../registry/server-request.ts'
import { globalsOf, stderrLog } from './globals.ts'
import { output } from './output.ts'
import { watchInterruption } from './signals.ts'

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = '8081'
const LOGIN_VARIABLE = 'DRAWBRIDGE_SERVE_LOGIN'

interface ServeOptions {
  readonly host: string
  readonly port: string
  readonly logins?: string
}

export function addSchemasServe(schemas: Command): void {
  schemas
    .command('serve')
    .description('serve the registry kept in the broker over HTTP, in the dialect that Confluent’s clients speak')
    .option('--host <host>', 'address to listen on', DEFAULT_HOST)
    .option('--port <n>', 'port to listen on; 0 takes a free one', DEFAULT_PORT)
    .option('--logins <file>', `user:password lines; only these may use it (or one login in env ${LOGIN_VARIABLE})`)
    .action((options: ServeOptions, command: Command) => serve(options, command))
}

async function serve({ host, port, logins: file }: ServeOptions, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const listenOn = parsePort(port)
  const logins = await readLogins(file)
  const interruption = watchInterruption()
  const log = stderrLog(globals.json)
  const { openBroker } = await import('../open-broker.ts')
  const { openSchemaServer } = await import('../registry/server.ts')
  await using broker = await openBroker(globals.broker, { create: globals.create, log })
  await broker.registry.confirm()
  await using server = await openSchemaServer({ registry: broker.registry, log, host, port: listenOn, logins })
  if (logins === undefined && !isLoopback(host)) {
    output.note('everybody who can connect may register and delete schemas; give --logins FILE')
  }
  if (globals.json) await output.data({ url: server.url })
  else output.note(`serving the schemas of ${shownBroker(globals.broker)} at ${server.url}; SIGTERM stops it`)
  if (!interruption.signal.aborted) {
    await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
  }
  process.exitCode = interruption.exitCode()
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new DrawbridgeError('ERR_CONFIG', `--port ${JSON.stringify(text)}: give a number from 0 to 65535`)
}

/** A password may hold colons, a user may not. */
async function readLogins(file: string | undefined): Promise<Logins | undefined> {
  const variable = process.env[LOGIN_VARIABLE]
  if (file === undefined && (variable === undefined || variable === '')) return undefined
  const where = file === undefined ? `env ${LOGIN_VARIABLE}` : `--logins ${file}`
  const lines = file === undefined ? [variable ?? ''] : (await readText(file)).split(/\r?\n/)
  const logins = new Map<string, string>()
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, user, password] = /^([^:]+):(.+)$/.exec(line) ?? []
    if (user === undefined || password === undefined)
      throw new DrawbridgeError('ERR_CONFIG', `${where}, line ${index + 1}: write user:password`)
    logins.set(user, password)
  }
  if (logins.size > 0) return logins
  throw new DrawbridgeError('ERR_CONFIG', `${where} holds no login; write user:password, one a line`)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new DrawbridgeError('ERR_CONFIG', `--logins ${file}: cannot be read: ${errorText(error)}`, { cause: error })
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Without what may be a password. */
function shownBroker(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//')
}
