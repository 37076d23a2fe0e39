import { expect } from '@jest/globals'
import { silentLog } from '../../../src/core/log.ts'
import { defineTopic } from '../../../src/index.ts'
import { openBroker } from '../../../src/open-broker.ts'
import { openSchemaServer } from '../../../src/registry/server.ts'
import { collect } from '../../kit/collect.ts'
import { testUnless } from '../../kit/skip.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { findPython } from '../python.ts'

const python = await findPython({
  entry: 'python-confluent-kafka-2.16.1',
  packages: ['confluent-kafka[avro,schemaregistry]==2.16.1'],
  programs: new URL('./programs/', import.meta.url),
})
const reason = typeof python === 'string' ? python : undefined

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
const first = { type: 'record', name: 'Named', namespace: 'interop', fields: [field('name', 'string')] }
const second = {
  ...first,
  fields: [
    ...first.fields,
    field('count', 'long', { default: 0 }),
    field('note', ['null', 'string'], { default: null }),
  ],
}
const refused = { ...first, fields: [...first.fields, field('count', 'long')] }

testUnless(reason, 'confluents-python-client-works-with-our-registry-and-reads-and-writes-our-records', async () => {
  if (typeof python === 'string') throw new Error(python)
  await using broker = await openBroker(`embedded:${tempDir()}`)
  const [login, topic] = ['ann:s3cret', 'people']
  const logins = new Map([['ann', 's3cret']])
  const { registry } = broker
  await using server = await openSchemaServer({ registry, log: silentLog, host: '127.0.0.1', port: 0, logins })

  // Ours first, under another topic, so that ids are not the same as versions.
  const own = defineTopic({ name: 'own', value: second, partitions: 1 })
  await broker.declare(own)
  const value = { name: 'Grace', count: -1, note: 'ours' }
  await broker.producer(own).send(value)
  const bytes = defineTopic({ name: 'own', value: 'bytes' })
  const [record] = await collect(broker.read(bytes, { to: 'end' }))
  const framed = record?.value as Buffer

  const schemas = [first, second, refused].map((schema) => JSON.stringify(schema, null, 1))
  const seen = JSON.parse(
    await python.run('client.py', [server.url, login, topic, ...schemas, framed.toString('base64')]),
  ) as Record<string, unknown>
  expect(seen).toMatchObject({
    denied: [401, 401],
    missing: [
      [404, 40401],
      [404, 40401],
      [404, 40403],
      [404, 40408],
    ],
    first: 2,
    again: 2,
    incompatible: [409, 409],
    invalid: [422, 42201],
    checks: [true, false],
    second: 1,
    latest: ['people-value', 2, 1, second],
    looked_up: 1,
    by_id: first,
    subjects: ['own-value', 'people-value'],
    versions: [1, 2],
    level: 'FULL_TRANSITIVE',
    global: 'BACKWARD',
    read: value,
    deleted: [[1], [404, 40401]],
    gone: [1],
  })
  expect(await registry.level('people-value')).toBe('FULL_TRANSITIVE')

  // What Python wrote, read by us through a topic.
  const theirs = defineTopic({ name: topic, value: second, partitions: 1 })
  await broker.declare(theirs)
  await broker
    .producer(defineTopic({ name: topic, value: 'bytes' }))
    .send(Buffer.from(String(seen['written']), 'base64'))
  expect((await collect(broker.read(theirs, { to: 'end' }))).map((message) => message.value)).toEqual([
    { name: 'Ada é日', count: 2 ** 40, note: null },
  ])
})
