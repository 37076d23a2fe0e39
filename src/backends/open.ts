import type { Backend, BackendOptions } from '../core/backend.ts'
import { DrawbridgeError } from '../core/errors.ts'
import { withoutCreation } from './creation.ts'

type OpenBackend = (url: string, options: BackendOptions) => Promise<Backend>

/** URL scheme -> driver. A driver's library is loaded when its scheme is first used. */
const DRIVERS: Readonly<Record<string, () => Promise<OpenBackend>>> = {
  embedded: async () => (await import('./embedded/backend.ts')).openEmbedded,
  kafka: async () => (await import('./kafka/backend.ts')).openKafka,
  amqp: async () => (await import('./rabbitmq/backend.ts')).openRabbitmq,
  amqps: async () => (await import('./rabbitmq/backend.ts')).openRabbitmq,
  'kafka+ssl': async () => (await import('./kafka/backend.ts')).openKafka,
}

/**
 * Opens the backend a URL names, for example `embedded:./.drawbridge`. ERR_CONFIG for a scheme nobody drives; besides,
 * what the driver raises. No message contains more of the URL than its scheme, as the rest may carry a password.
 */
export async function openBackend(url: string, options: BackendOptions): Promise<Backend> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  const load = scheme !== undefined && Object.hasOwn(DRIVERS, scheme) ? DRIVERS[scheme] : undefined
  if (load === undefined) {
    const found =
      scheme === undefined ? 'a broker URL without a scheme' : `a broker URL of the unknown scheme "${scheme}:"`
    const known = Object.keys(DRIVERS).map((name) => `"${name}:"`)
    throw new DrawbridgeError('ERR_CONFIG', `${found}: begin it with ${known.join(', ')}, as in embedded:./.drawbridge`)
  }
  const backend = await (await load())(url, options)
  return options.create === false ? withoutCreation(backend, options.log) : backend
}
