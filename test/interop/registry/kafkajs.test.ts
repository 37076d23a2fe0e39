import { expect, test } from '@jest/globals'
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { defineTopic } from '../../../src/index.ts'
import { openBroker } from '../../../src/open-broker.ts'
import { collect } from '../../kit/collect.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { serve } from '../../registry/registries.ts'

const value = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total', type: 'double', default: 0 },
  ],
} as const
const text = JSON.stringify(value)

test('the-bare-library-works-with-our-registry-and-reads-and-writes-our-records', async () => {
  await using broker = await openBroker(`embedded:${tempDir()}`)
  await using server = await serve(broker)
  const library = new SchemaRegistry({ host: server.url })
  const orders = defineTopic({ name: 'shop/ü-orders'.replace(/\W/g, '-'), value, partitions: 1 })
  await broker.declare(orders)
  const subject = `${orders.name}-value`
  const schema = { type: SchemaType.AVRO, schema: text } as const

  // Its own way to register sets the subject's level, too.
  const { id } = await library.register(schema, { subject })
  expect(id).toBe((await broker.registry.latest(subject))?.id)
  expect(await broker.registry.level(subject)).toBe('BACKWARD')
  await library.register(schema, { subject, compatibility: COMPATIBILITY.BACKWARD })
  await expect(library.register(schema, { subject, compatibility: COMPATIBILITY.FULL })).rejects.toThrow(
    /Compatibility/,
  )
  expect(await library.getRegistryIdBySchema(subject, schema)).toBe(id)
  expect(await library.getLatestSchemaId(subject)).toBe(id)
  expect(await library.getRegistryId(subject, 1)).toBe(id)

  await broker.producer(orders).send({ id: 'ours', total: 1.5 })
  const bytes = defineTopic({ name: orders.name, value: 'bytes' })
  const [record] = await collect(broker.read(bytes, { to: 'end' }))
  expect(await library.decode(record?.value as Buffer)).toEqual({ id: 'ours', total: 1.5 })
  await broker.producer(bytes).send(await library.encode(id, { id: 'theirs', total: 2 }))
  expect((await collect(broker.read(orders, { to: 'end' }))).map((message) => message.value.id)).toEqual([
    'ours',
    'theirs',
  ])

  const odd = 'a/b ü'
  const registered = await library.register(schema, { subject: odd })
  expect(registered.id).toBe(id)
  expect(await broker.registry.versions(odd)).toEqual([1])
  const bad = {
    type: SchemaType.AVRO,
    schema: JSON.stringify({ ...value, fields: [{ name: 'x', type: 'int' }] }),
  } as const
  await expect(library.register(bad, { subject })).rejects.toMatchObject({ status: 409 })
  await expect(library.getSchema(9_999)).rejects.toMatchObject({ status: 404 })
  await expect(library.getLatestSchemaId('none')).rejects.toMatchObject({ status: 404 })
})
