import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes, logLevel } from 'kafkajs'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../../../src/core/log.ts'
import type { KafkaSecrets, Limited } from '../../../brokers/kafka-secure.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { inspect } from 'node:util'

const NAME = 'kafka-secure'
const folder = process.env['KAFKA_SECURE_FOLDER'] ?? ''

/** Why tests with logins cannot run here; undefined where they can, or have to. */
export const secureMissing =
  folder !== '' || requiredBackends(process.env).includes(NAME)
    ? undefined
    : `KAFKA_SECURE_FOLDER is not set; \`npm run brokers -- up ${NAME}\` starts a broker and prints it`

/** The broker with logins: its ports by listener, its users' passwords, its certificates. */
export function secureKafka() {
  const { ports, passwords } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as KafkaSecrets
  const file = (name: string) => join(folder, name)
  return {
    passwords,
    file,
    host: (listener: string) => `127.0.0.1:${ports[listener]}`,
    ca: `ca=${file('ca.pem')}`,
    /** A token that Kafka's validator of unsecured tokens takes. */
    token(subject: string, lifeSeconds = 300): string {
      const now = Math.floor(Date.now() / 1_000)
      const parts = [{ alg: 'none' }, { sub: subject, iat: now, exp: now + lifeSeconds }]
      return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
    },
    /** A configuration file with the authority's certificate and this. */
    config(more: object): string {
      const path = join(tempDir(), 'kafka.json')
      writeFileSync(path, JSON.stringify({ ca: file('ca.pem'), ...more }))
      return path
    },
    allow,
  }

  /** The user may do this and nothing else. */
  async function allow(user: Limited, rights: readonly Right[]): Promise<void> {
    const admin = new Kafka({ brokers: [`127.0.0.1:${ports['CLIENT']}`], logLevel: logLevel.NOTHING }).admin()
    const common = { principal: `User:${user}`, host: '*', permissionType: AclPermissionTypes.ALLOW }
    await admin.connect()
    try {
      const every = { resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY }
      await admin.deleteAcls({ filters: [{ ...common, ...every, operation: AclOperationTypes.ANY }] })
      // It takes no empty list.
      if (rights.length === 0) return
      await admin.createAcls({
        acl: rights.map(([kind, resourceName, operation]) => ({
          ...common,
          resourceType: AclResourceTypes[kind],
          resourceName,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          operation: AclOperationTypes[operation],
        })),
      })
    } finally {
      await admin.disconnect()
    }
  }
}

/** What a user may do with what. */
export type Right = readonly [
  kind: 'TOPIC' | 'GROUP' | 'CLUSTER',
  name: string,
  operation: keyof typeof AclOperationTypes,
]

/** Keeps everything, errors with all they carry. */
export function keepingLog(): Log & { readonly text: () => string } {
  const lines: string[] = []
  const keep = (fields: object, message: string) => void lines.push(`${message} ${inspect(fields, { depth: null })}`)
  return { debug: keep, info: keep, warn: keep, error: keep, text: () => lines.join('\n') }
}
