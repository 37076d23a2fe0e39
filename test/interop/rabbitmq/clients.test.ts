import { describe, expect } from '@jest/globals'
import type amqp from 'amqplib'
import { Offset } from 'rabbitmq-stream-js-client'
import { CompressionType } from 'rabbitmq-stream-js-client/dist/compression.js'
import type { Message } from 'rabbitmq-stream-js-client/dist/publisher.js'
import { eventually } from '../../kit/eventually.ts'
import { testUnless } from '../../kit/skip.ts'
import { noRabbitmq as missing, open, openAmqp, openStreamClient, placesOf, readAll, record } from './streams.ts'

const WRITTEN = [
  record('plain', { key: Buffer.from('clé'), headers: [['trace', Buffer.from('abc')]] }),
  record(null, { key: Buffer.from('tombstone') }),
  record('odd', {
    key: Buffer.from([0, 255]),
    headers: [
      ['a', Buffer.from('1')],
      ['a', null],
      ['b', Buffer.from([255])],
    ],
  }),
]

describe('RabbitMQ clients and ours', () => {
  testUnless(missing, 'the-npm-stream-client-reads-what-we-write', async () => {
    const { backend, topic } = await open(1)
    await backend.append(topic, 0, WRITTEN)
    const client = await openStreamClient()
    const seen: Message[] = []
    await client.declareConsumer({ stream: `${topic}-0`, offset: Offset.first() }, (message) => void seen.push(message))
    await eventually(() => seen.length === 3, { what: 'all are read' })
    expect(seen.map(({ content }) => content.toString())).toEqual(['plain', '', 'odd'])
    expect(seen.map(({ messageAnnotations }) => messageAnnotations)).toEqual([
      { 'x-opt-partition-key': 'clé' },
      { 'x-opt-partition-key': 'tombstone', 'x-drawbridge-null': true },
      { 'x-drawbridge-key': 'AP8=', 'x-drawbridge-headers': '[["a","1"],["a",null],["b",{"base64":"/w=="}]]' },
    ])
    expect(seen.map(({ applicationProperties }) => applicationProperties)).toEqual([{ trace: 'abc' }, {}, { a: '1' }])
    expect(seen[0]?.messageProperties?.creationTime).toEqual(new Date(1_700_000_000_123))
  })

  testUnless(missing, 'amqplib-reads-what-we-write', async () => {
    const { backend, topic } = await open(1)
    await backend.append(topic, 0, WRITTEN)
    const channel = await (await openAmqp()).createChannel()
    await channel.prefetch(100)
    const seen: amqp.ConsumeMessage[] = []
    await channel.consume(`${topic}-0`, (message) => message !== null && void seen.push(message), {
      arguments: { 'x-stream-offset': 'first' },
    })
    await eventually(() => seen.length === 3, { what: 'all are read' })
    expect(seen.map(({ content }) => content.toString())).toEqual(['plain', '', 'odd'])
    expect(seen[0]?.properties.headers).toMatchObject({ trace: 'abc', 'x-opt-partition-key': 'clé' })
    expect(seen[1]?.properties.headers).toMatchObject({ 'x-opt-partition-key': 'tombstone', 'x-drawbridge-null': true })
    expect(seen[2]?.properties.headers).toMatchObject({ a: '1', 'x-drawbridge-key': 'AP8=' })
  })

  testUnless(missing, 'a-super-stream-publisher-and-we-agree-on-the-partition', async () => {
    const { backend, topic } = await open(5)
    const client = await openStreamClient()
    const keys = ['hello', 'order-42', 'clé', ...Array.from({ length: 40 }, (_, n) => `key-${n}`)]
    const publisher = await client.declareSuperStreamPublisher(
      { superStream: topic },
      (_content, { messageProperties }) => messageProperties?.messageId,
    )
    for (const messageId of keys) await publisher.send(Buffer.from(messageId), { messageProperties: { messageId } })
    const places = () => placesOf(backend, topic, 5)
    await eventually(async () => (await places()).length === keys.length, { what: 'all are written' })
    for (const [key, partition] of await places())
      expect([key, partition]).toEqual([key, backend.partitionFor(Buffer.from(key), 5)])
    await publisher.close()
  })

  testUnless(missing, 'we-read-compressed-sub-entries-of-a-super-stream-publisher', async () => {
    const { backend, topic } = await open(3)
    const client = await openStreamClient()
    const publisher = await client.declareSuperStreamPublisher(
      { superStream: topic },
      (_content, { messageProperties }) => messageProperties?.messageId,
    )
    const keys = Array.from({ length: 60 }, (_, n) => `key-${n}`)
    const messages = keys.map((key) => ({ content: Buffer.from(key), messageProperties: { messageId: key } }))
    await publisher.sendSubEntries(messages, CompressionType.Gzip)
    await publisher.sendSubEntries(messages, CompressionType.None)
    const places = () => placesOf(backend, topic, 3)
    await eventually(async () => (await places()).length === 120, { what: 'all are written' })
    const due = [...keys, ...keys].map((key) => `${key} in ${backend.partitionFor(Buffer.from(key), 3)}`)
    expect((await places()).map((place) => place.join(' in ')).toSorted()).toEqual(due.toSorted())
    for (const partition of [0, 1, 2]) {
      const offsets = (await readAll(backend, topic, partition)).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.map((_, n) => n))
    }
    await publisher.close()
  })

  testUnless(missing, 'a-super-stream-consumer-of-the-npm-client-reads-our-topic', async () => {
    const { backend, topic } = await open(3)
    for (const partition of [0, 1, 2]) await backend.append(topic, partition, [record(`p${partition}`)])
    const client = await openStreamClient()
    const seen: string[] = []
    await client.declareSuperStreamConsumer(
      { superStream: topic, offset: Offset.first(), consumerRef: 'them' },
      ({ content }) => void seen.push(content.toString()),
    )
    await eventually(() => seen.length === 3, { what: 'all partitions are read' })
    expect(seen.toSorted()).toEqual(['p0', 'p1', 'p2'])
  })

  testUnless(missing, 'we-read-what-the-npm-stream-client-writes', async () => {
    const { backend, topic } = await open(1)
    const client = await openStreamClient()
    const publisher = await client.declarePublisher({ stream: `${topic}-0` })
    await publisher.send(Buffer.from('one'), {
      applicationProperties: { text: 'x', number: 7 },
      messageAnnotations: { 'x-opt-partition-key': 'k', note: 'n' },
      messageProperties: { messageId: 'm', contentType: 'text/plain', creationTime: new Date(5_000) },
    })
    await publisher.flush()
    await eventually(async () => (await readAll(backend, topic)).length === 1, { what: 'it is written' })
    const [read] = await readAll(backend, topic)
    expect(read).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('one'), timestamp: 5_000, offset: 0 })
    expect(read?.headers.map(([name, value]) => [name, value?.toString()])).toEqual([
      ['text', 'x'],
      ['number', '7'],
      ['note', 'n'],
      ['amqp.message-id', 'm'],
      ['amqp.content-type', 'text/plain'],
    ])
  })

  testUnless(missing, 'we-read-what-plain-amqp-publishers-write-with-headers-of-every-type', async () => {
    const { backend, topic } = await open(1)
    const channel = await (await openAmqp()).createConfirmChannel()
    // But decimals, of which RabbitMQ 4.0.5 dies itself (541) where the queue is a stream.
    const headers = {
      'x-opt-partition-key': 'k',
      zero: 0,
      long: 3_000_000_000,
      negative: -1,
      fraction: 1.5,
      yes: true,
      no: false,
      empty: '',
      nothing: null,
      bytes: Buffer.from('bytes'),
      time: { '!': 'timestamp', value: 1_700_000_000 },
      byte: { '!': 'byte', value: -3 },
      short: { '!': 'short', value: -300 },
      whole: { '!': 'long', value: 2 ** 52 },
      float: { '!': 'float', value: 0.25 },
      double: { '!': 'double', value: 1e300 },
      list: ['a', 1],
      table: { nested: 'x' },
      é日: 'é日',
    }
    channel.sendToQueue(`${topic}-0`, Buffer.from('one'), {
      headers,
      messageId: 'm',
      contentType: 'a/b',
      timestamp: 1_700_000_000,
    })
    channel.publish(topic, '0', Buffer.from('two'))
    await channel.waitForConfirms()
    const [one, two] = await readAll(backend, topic)
    expect(one).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('one'), timestamp: 1_700_000_000_000 })
    expect(two).toMatchObject({ key: null, value: Buffer.from('two'), headers: [] })
    const read = Object.fromEntries((one?.headers ?? []).map(([name, value]) => [name, value?.toString() ?? null]))
    expect(read).toEqual({
      zero: '0',
      long: '3000000000',
      negative: '-1',
      fraction: '1.5',
      yes: 'true',
      no: 'false',
      empty: '',
      nothing: null,
      bytes: 'bytes',
      time: '2023-11-14T22:13:20.000Z',
      byte: '-3',
      short: '-300',
      whole: '4503599627370496',
      float: '0.25',
      double: '1e+300',
      // Lists and tables are what RabbitMQ leaves out on streams.
      é日: 'é日',
      'amqp.message-id': 'm',
      'amqp.content-type': 'a/b',
    })
  })
})
