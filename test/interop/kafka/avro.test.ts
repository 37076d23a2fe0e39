import { expect } from '@jest/globals'
import { resolve } from 'node:path'
import { connect, defineTopic } from '../../../src/index.ts'
import { collect } from '../../kit/collect.ts'
import { startProcess } from '../../kit/process.ts'
import { testUnless } from '../../kit/skip.ts'
import { findPython } from './python.ts'
import { bootstrap, kafkaUrl, mayLackTools, newName, noKafka } from './topics.ts'

const python = noKafka ?? (await findPython())
const reason = typeof python === 'string' && mayLackTools ? python : undefined

const PARCEL = {
  type: 'record',
  name: 'Parcel',
  namespace: 'post',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'to', type: 'string' },
    { name: 'weight', type: 'double' },
    { name: 'fragile', type: 'boolean' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['LETTER', 'BOX'] } },
    { name: 'stamp', type: 'bytes' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'sizes', type: { type: 'map', values: 'int' } },
    { name: 'sentAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  ],
} as const

/** `drawbridge schemas serve` on the registry that is kept in the broker; resolves to its URL. */
async function serveSchemas(): Promise<string> {
  const args = ['schemas', 'serve', '--port', '0', '--json', '--broker', kafkaUrl]
  const server = startProcess(resolve('src/cli/main.ts'), { args })
  return (await server.message<{ url?: string }>(({ url }) => url !== undefined, 'it serves')).url ?? ''
}

async function runPython(...args: readonly string[]): Promise<string> {
  if (typeof python === 'string') throw new Error(python)
  return python.run('avro.py', args)
}

testUnless(reason, 'fastavro-decodes-our-records-through-our-registry', async () => {
  const topic = defineTopic({ name: newName('parcels'), value: PARCEL, partitions: 1 })
  await using broker = await connect(kafkaUrl)
  await broker.declare(topic)
  const first = {
    id: 2 ** 53 - 1,
    to: 'é日本 😀',
    weight: 0.1,
    fragile: true,
    note: null,
    kind: 'BOX' as const,
    stamp: Buffer.from([0, 255, 128]),
    tags: ['a', ''],
    sizes: { x: -1, y: 2_147_483_647 },
    sentAt: new Date('2026-11-28T03:00:00.123Z'),
    price: '-1234567.89',
  }
  const second = { ...first, id: -1, note: 'n', kind: 'LETTER' as const, tags: [], sizes: {}, price: '0.00' }
  await broker.producer(topic).sendAll([first, second])
  const lines = await runPython('read', bootstrap, topic.name, await serveSchemas())
  const seen = { stamp: { hex: '00ff80' }, sentAt: '2026-11-28T03:00:00.123000+00:00' }
  expect(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { ...first, ...seen },
    { ...second, ...seen },
  ])
})

testUnless(reason, 'we-decode-what-fastavro-wrote-with-a-newer-schema-of-our-registry', async () => {
  const fields = [{ name: 'n', type: 'long' }] as const
  const older = { type: 'record', name: 'Step', fields } as const
  const newer = { ...older, fields: [...fields, { name: 'why', type: 'string', default: '' }] }
  const topic = defineTopic({ name: newName('steps'), value: older, partitions: 1 })
  await using broker = await connect(kafkaUrl)
  await broker.declare(topic)
  await broker.producer(topic).send({ n: 1 })
  const values = ['{"n": 2, "why": "because"}', '{"n": 3, "why": "é"}']
  await runPython('write', bootstrap, topic.name, await serveSchemas(), JSON.stringify(newer), ...values)
  const messages = await collect(broker.read(topic, { from: 'earliest', to: 'end' }))
  expect(messages.map(({ value }) => value)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
})
