import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, type NodePlan, portOf } from './broker.ts'
import { CLIENT_SUBJECT, makeCertificates } from './certificates.ts'
import { createKafka } from './kafka.ts'
import { needTools } from './tools.ts'

/** Users whose rights tests set, each those of one test file. */
export type Limited = 'guest' | 'clerk'

/** Port numbers and passwords, as `secrets.json` in KAFKA_SECURE_FOLDER has them beside the certificates. */
export interface KafkaSecrets {
  /** By listener: see LISTENERS. */
  readonly ports: Readonly<Record<string, number>>
  /** By user. `shop` may do everything, the others nothing that no access rule allows. */
  readonly passwords: Readonly<Record<'shop' | Limited, string>>
}

/** Security protocol by listener. On PLAINTEXT everybody may do everything, which is how tests set access rules. */
const LISTENERS = {
  CLIENT: 'PLAINTEXT',
  TLS: 'SSL',
  /** Asks for a client's certificate. */
  MUTUAL: 'SSL',
  LOGIN: 'SASL_SSL',
  /** A login holds for three seconds (KIP-368). */
  BRIEF: 'SASL_SSL',
  OPEN: 'SASL_PLAINTEXT',
} as const
const PORTS = { client: 41, controller: 42, tls: 43, mutual: 44, login: 45, brief: 46, open: 47 }
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
const BRIEF_MS = 3_000
const SECURITY = 'org.apache.kafka.common.security'

const plain: Broker = createKafka({
  name: 'kafka-secure',
  nodes: [{ name: 'kafka-secure', ports: PORTS }],
  variable: 'KAFKA_SECURE_URL',
  more: secure,
})

/** One Kafka node with TLS, every way to log in, and access rules. */
export const kafkaSecure: Broker = {
  ...plain,
  async install(note) {
    await plain.install(note)
    await needTools(['openssl'], '/dev/null', note)
  },
  variables: (nodes) => ({ ...plain.variables(nodes), KAFKA_SECURE_FOLDER: nodes[0]?.folder ?? '' }),
}

async function secure(
  node: NodePlan,
): Promise<{ config: Readonly<Record<string, string>>; format: readonly string[] }> {
  await makeCertificates(node.folder, node.log)
  const passwords = { shop: newPassword(), guest: newPassword(), clerk: newPassword() }
  const ports = Object.fromEntries(Object.keys(LISTENERS).map((name) => [name, portOf(node, name.toLowerCase())]))
  const secrets: KafkaSecrets = { ports, passwords }
  await writeFile(join(node.folder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })
  const scram = Object.entries(passwords).flatMap(([user, password]) =>
    MECHANISMS.filter((name) => name.startsWith('SCRAM')).flatMap((name) => [
      '--add-scram',
      `${name}=[name=${user},password=${password}]`,
    ]),
  )
  return { config: secureConfig(node, secrets), format: scram }
}

export function secureConfig(node: NodePlan, { ports, passwords }: KafkaSecrets): Readonly<Record<string, string>> {
  const listeners = [
    ...Object.entries(ports).map(([name, port]) => `${name}://127.0.0.1:${port}`),
    `CONTROLLER://127.0.0.1:${portOf(node, 'controller')}`,
  ].join(',')
  const users = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`)
  const modules: Readonly<Record<string, string>> = {
    PLAIN: `${SECURITY}.plain.PlainLoginModule required ${users.join(' ')};`,
    'SCRAM-SHA-256': `${SECURITY}.scram.ScramLoginModule required;`,
    'SCRAM-SHA-512': `${SECURITY}.scram.ScramLoginModule required;`,
    OAUTHBEARER: `${SECURITY}.oauthbearer.OAuthBearerLoginModule required;`,
  }
  const sasl = Object.entries(LISTENERS).filter(([, protocol]) => protocol.startsWith('SASL'))
  return {
    listeners,
    'advertised.listeners': listeners,
    'inter.broker.listener.name': 'CLIENT',
    'listener.security.protocol.map': [
      ...Object.entries(LISTENERS).map(([name, protocol]) => `${name}:${protocol}`),
      'CONTROLLER:PLAINTEXT',
    ].join(','),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(node.folder, 'server-both.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(node.folder, 'ca.pem'),
    'listener.name.mutual.ssl.client.auth': 'required',
    ...Object.fromEntries(
      sasl.flatMap(([name]) =>
        MECHANISMS.map((mechanism) => [
          `listener.name.${name.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`,
          modules[mechanism] ?? '',
        ]),
      ),
    ),
    'sasl.enabled.mechanisms': MECHANISMS.join(','),
    ...Object.fromEntries(
      MECHANISMS.map((name) => [
        `listener.name.brief.${name.toLowerCase()}.connections.max.reauth.ms`,
        String(BRIEF_MS),
      ]),
    ),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:shop;User:${CLIENT_SUBJECT}`,
  }
}

function newPassword(): string {
  return randomBytes(12).toString('hex')
}
