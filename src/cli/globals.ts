import type { Command } from 'commander'
import type { Log } from '../core/log.ts'
import type { RegistryOptions } from '../registry/registry-options.ts'
import { errorText } from '../core/errors.ts'
import type { OpenBroker } from '../open-broker.ts'
import { noteTold } from './report-error.ts'

export const DEFAULT_BROKER = 'embedded:./.drawbridge'

export interface Globals {
  readonly broker: string
  /** Undefined for the registry kept in the broker. */
  readonly registry: RegistryOptions | undefined
  /** False with --no-create: no topic is made. */
  readonly create: boolean
  readonly json: boolean
}

interface GlobalOptions {
  readonly broker?: string
  readonly registry?: string
  readonly create?: boolean
  readonly json?: boolean
}

/** The options every command has. */
export function globalsOf(command: Command): Globals {
  const { broker, registry, create, json } = command.optsWithGlobals<GlobalOptions>()
  return {
    broker: broker ?? process.env['DRAWBRIDGE_BROKER'] ?? DEFAULT_BROKER,
    registry: registryOf(registry ?? process.env['DRAWBRIDGE_REGISTRY']),
    create: create !== false,
    json: json === true,
  }
}

/** A token does not fit into a URL, so it comes by the environment alone. */
function registryOf(url: string | undefined): RegistryOptions | undefined {
  if (url === undefined || url === '' || url === 'topic') return undefined
  const token = process.env['DRAWBRIDGE_REGISTRY_TOKEN']
  return { url, token: token === '' ? undefined : token }
}

/** Connects, does the work, and lets go of the broker whatever happens. */
export async function withBroker<R>(globals: Globals, work: (broker: OpenBroker) => Promise<R>): Promise<R> {
  const { openBroker } = await import('../open-broker.ts')
  await using broker = await openBroker(globals.broker, {
    registry: globals.registry,
    create: globals.create,
    log: stderrLog(globals.json),
  })
  return await work(broker)
}

/** Warnings and errors on standard error: a sentence for people, a JSON line for machines. */
export function stderrLog(json: boolean): Log {
  function line(level: 'warn' | 'error', fields: object, message: string): void {
    const details = plain(fields)
    if (level === 'error') noteTold(message)
    process.stderr.write(
      json
        ? `${JSON.stringify({ level, message, ...details })}\n`
        : `${level}: ${message} ${JSON.stringify(details)}\n`,
    )
  }
  return {
    debug() {},
    info() {},
    warn: (fields, message) => line('warn', fields, message),
    error: (fields, message) => line('error', fields, message),
  }
}

function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? errorText(value) : (value as unknown),
    ]),
  )
}
