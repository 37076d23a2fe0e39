import { expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

interface Compose {
  readonly services: Readonly<Record<string, Service>>
}

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[]; readonly retries: number }
}

const FOLDER = resolve('docker')
const services = ['compose.kafka.yaml', 'compose.rabbitmq.yaml'].flatMap((file) => {
  const compose = parse(readFileSync(join(FOLDER, file), 'utf8')) as Compose
  return Object.entries(compose.services).map(([name, service]) => ({ file, name, service }))
})

test.each(services)('$file: $name is pinned to a patch version and has a health check', ({ service }) => {
  expect(service.image).toMatch(/:\d+\.\d+\.\d+(-[a-z]+)?$/)
  expect(service.healthcheck?.test[0]).toMatch(/^CMD/)
  expect(service.healthcheck?.retries).toBeGreaterThan(0)
})

test.each(services)('$file: $name is open to this machine alone', ({ service }) => {
  expect(service.ports).not.toEqual([])
  for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
})

test.each(services)('$file: what $name mounts is there', ({ service }) => {
  for (const volume of service.volumes ?? []) expect(existsSync(join(FOLDER, volume.split(':')[0] ?? ''))).toBe(true)
})

test('streams are advertised at the port that is published, by a plugin that is enabled', () => {
  const config = readFileSync(join(FOLDER, 'rabbitmq/drawbridge.conf'), 'utf8')
  const port = /^stream\.advertised_port = (\d+)$/m.exec(config)?.[1]
  const rabbitmq = services.find(({ name }) => name === 'rabbitmq')?.service
  expect(rabbitmq?.ports).toContain(`127.0.0.1:${port}:${port}`)
  expect(readFileSync(join(FOLDER, 'rabbitmq/enabled_plugins'), 'utf8')).toMatch(/^\[[a-z_,]*rabbitmq_stream,.*\]\.\n$/)
})
