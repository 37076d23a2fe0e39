import { expect } from '@jest/globals'
import { connect, defineTopic } from '../../../src/index.ts'
import { testUnless } from '../../kit/skip.ts'
import { findKcat } from './kcat.ts'
import {
  bootstrap,
  createTopic as createNamed,
  kafkaUrl,
  mayLackTools,
  newName,
  noKafka,
  openKafkaBackend as open,
  readAll,
  textRecord,
} from './topics.ts'

const kcat = noKafka ?? findKcat()
const reason = typeof kcat === 'string' && mayLackTools ? kcat : undefined

function run(args: readonly string[], input?: string | Buffer): Promise<string> {
  if (typeof kcat === 'string') throw new Error(kcat)
  return kcat.run(['-b', bootstrap, ...args], input)
}

function createTopic(partitions: number): Promise<string> {
  return createNamed('kcat', partitions)
}

testUnless(reason, 'kcat-reads-key-headers-null-and-empty-values-as-we-wrote-them', async () => {
  const backend = await open()
  const topic = await createTopic(1)
  const headers = [
    ['a', Buffer.from('1')],
    ['b', null],
    ['a', Buffer.alloc(0)],
    ['a', Buffer.from('2')],
  ] as const
  await backend.append(topic, 0, [
    { key: Buffer.from('k'), value: Buffer.from('v'), headers, timestamp: 1_700_000_000_000 },
    { key: null, value: null, headers: [], timestamp: 0 },
    { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [], timestamp: 0 },
  ])
  // %K and %S are lengths, -1 for null.
  const text = await run(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%o %K %k %S %s [%h]\n'])
  expect(text.trimEnd().split('\n')).toEqual(['0 1 k 1 v [a=1,b=NULL,a=,a=2]', '1 -1  -1  []', '2 0  0  []'])
})

testUnless(reason, 'kcat-sees-confluent-framing', async () => {
  const name = newName('kcat')
  const value = { type: 'record', name: 'Step', fields: [{ name: 'n', type: 'long' }] } as const
  const topic = defineTopic({ name, value, partitions: 1 })
  await using broker = await connect(kafkaUrl)
  await broker.declare(topic)
  await broker.producer(topic).send({ n: 42 })
  const bytes = Buffer.from(
    await run(['-C', '-t', name, '-o', 'beginning', '-e', '-q', '-D', '', '-f', '%s']),
    'latin1',
  )
  expect(bytes[0]).toBe(0)
  expect(bytes.length).toBe(6)
  expect(bytes[5]).toBe(84)
})

testUnless(reason, 'we-read-what-kcat-wrote-in-every-codec', async () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const topic = await createTopic(1)
    const args = ['-P', '-t', topic, '-p', '0', '-K', ':', '-Z', '-H', 'h=1', '-H', 'g=', '-H', 'h=2', '-z', codec]
    const long = Array.from({ length: 2_000 }, (_, n) => `long:${n % 7} ${'text '.repeat(n % 50)}${n}`)
    await run(args, `k1:v1\nk2:\nk3:v3 é\n${long.join('\n')}\n`)
    const all = await readAll(topic, 0)
    expect(all.slice(3).map(({ value }) => `long:${value?.toString()}`)).toEqual(long)
    const found = all.slice(0, 3)
    expect({ codec, found: found.map(({ key, value }) => [key?.toString(), value?.toString()]) }).toEqual({
      codec,
      found: [
        ['k1', 'v1'],
        ['k2', undefined],
        ['k3', 'v3 é'],
      ],
    })
    expect(found[0]?.headers.map(([header, content]) => [header, content?.toString()])).toEqual([
      ['h', '1'],
      ['g', ''],
      ['h', '2'],
    ])
  }
})

testUnless(reason, 'a-key-goes-to-the-partition-kcat-sends-it-to', async () => {
  const backend = await open()
  const topic = await createTopic(7)
  const keys = Array.from({ length: 50 }, (_, n) => `key-é-${n}`)
  const args = ['-P', '-t', topic, '-K', ':', '-X', 'partitioner=murmur2_random']
  await run(args, keys.map((key) => `${key}:v\n`).join(''))
  const found: [string, number][] = []
  for (let partition = 0; partition < 7; partition++) {
    for (const { key } of await readAll(topic, partition)) found.push([key?.toString() ?? '', partition])
  }
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(keys.map((key) => [key, backend.partitionFor(Buffer.from(key), 7)])),
  )
})

testUnless(reason, 'kcat-goes-on-where-our-group-stopped', async () => {
  const backend = await open()
  const topic = await createTopic(1)
  await backend.append(
    topic,
    0,
    ['a', 'b', 'c'].map((text) => textRecord(text)),
  )
  await backend.resetGroup(topic, topic, [2])
  expect(await run(['-G', topic, topic, '-c', '1', '-q', '-f', '%s'])).toBe('c')
})
