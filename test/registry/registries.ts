import { silentLog } from '../../src/core/log.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type OpenBroker, openBroker } from '../../src/open-broker.ts'
import { createConfluentRegistry } from '../../src/registry/confluent-registry.ts'
import { parseRegistryOptions, type RegistryOptions } from '../../src/registry/registry-options.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { openSchemaServer, type SchemaServer } from '../../src/registry/server.ts'
import { tempDir } from '../kit/temp-dir.ts'
import type { RegistryUnderTest } from './under-test.ts'

/** The client alone, not bound to a broker. */
export function clientOf(given: string | RegistryOptions): Registry {
  const target = parseRegistryOptions(given)
  if (target === null) throw new Error('a URL is missing')
  return createConfluentRegistry({ target, clock: systemClock })
}

/** Kept in the topic of an embedded store, each connection its own. */
export function inTopic(): RegistryUnderTest {
  let url: string | undefined
  const brokers: OpenBroker[] = []
  return {
    name: 'in a topic',
    shared: false,
    async connect() {
      url ??= `embedded:${tempDir()}`
      const broker = await openBroker(url)
      brokers.push(broker)
      return broker.registry
    },
    close: async () => void (await Promise.all(brokers.splice(0).map((broker) => broker.close()))),
    skip: [],
  }
}

/** Our client and our server; each connection has a server of its own over one broker, so that they must agree. */
export function served(on: string, url: string | undefined, missing?: string): RegistryUnderTest {
  let brokerUrl = url
  const ends: AsyncDisposable[] = []
  return {
    name: `client and server on ${on}`,
    missing,
    shared: on !== 'embedded',
    async connect() {
      brokerUrl ??= `embedded:${tempDir()}`
      const broker = await openBroker(brokerUrl)
      const server = await serve(broker)
      ends.unshift(server, broker)
      return clientOf(server.url)
    },
    async close() {
      for (const each of ends.splice(0)) await each[Symbol.asyncDispose]()
    },
    skip: [],
  }
}

export function serve({ registry }: OpenBroker): Promise<SchemaServer> {
  return openSchemaServer({ registry, log: silentLog, host: '127.0.0.1', port: 0 })
}

/** A server of other people. */
export function apicurio(): RegistryUnderTest {
  const url = process.env['REGISTRY_URL']
  return {
    name: 'client and Apicurio',
    missing: url === undefined ? missingVariable('REGISTRY_URL', 'registry') : undefined,
    shared: true,
    connect: async () => clientOf(url ?? ''),
    close: async () => undefined,
    skip: [
      {
        reason: 'Apicurio checks without a version against all of them, whatever the level',
        tests: [
          'a-check-foretells-what-each-level-allows: a field loses the default that it came with',
          'a-check-foretells-what-each-level-allows: a field goes that had no default at first',
        ],
      },
      {
        reason: 'Apicurio answers with the registry’s level and mode where a subject has none',
        tests: ['the-level-of-a-subject-comes-and-goes'],
      },
      { reason: 'Apicurio keeps a mode and does not go by it', tests: ['a-read-only-subject-takes-nothing'] },
      {
        reason: 'Apicurio lists softly deleted versions and does not show one',
        tests: ['softly-deleted-versions-are-shown-when-asked-for'],
      },
    ],
  }
}

export function servedOn(broker: 'kafka' | 'rabbitmq'): RegistryUnderTest {
  const variable = `${broker.toUpperCase()}_URL`
  const url = process.env[variable]
  return served(broker, url, url === undefined ? missingVariable(variable, broker) : undefined)
}

function missingVariable(variable: string, broker: string): string {
  return `${variable} is not set; \`npm run brokers -- up ${broker}\` starts one and prints it`
}
