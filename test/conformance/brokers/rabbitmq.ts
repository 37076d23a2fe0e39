import amqp from 'amqplib'
import { connect, type Publisher } from 'rabbitmq-stream-js-client'
import { CompressionType } from 'rabbitmq-stream-js-client/dist/compression.js'
import { openBackend } from '../../../src/backends/open.ts'
import { silentLog } from '../../../src/core/log.ts'
import { eventually } from '../../kit/eventually.ts'
import { openTcpProxy } from '../../kit/tcp-proxy.ts'
import type { BackendUnderTest, ForeignRecord, Interruption, PartitionOfTopic } from '../under-test.ts'
import { appendUntilExpired } from './fill.ts'
import { RABBITMQ_KEYS } from './keys.ts'

const VARIABLE = 'RABBITMQ_URL'
const STREAM_PORT = 5552

export const rabbitmq: BackendUnderTest = {
  name: 'rabbitmq',
  variable: VARIABLE,
  createUrl: () => process.env[VARIABLE] ?? '',
  skip: [
    {
      test: 'declaring: a-compact-topic-has-tombstones-and-others-have-none',
      reason: 'RabbitMQ streams know no compaction; that the driver says so is tested in contract topics',
    },
    {
      test: 'contract reading: a-log-that-compaction-thinned-is-read-to-its-end',
      reason: 'RabbitMQ streams know no compaction',
    },
  ],
  hooks: { keys: RABBITMQ_KEYS, expire: appendUntilExpired, foreign, gaps, interrupt },
}

/** Headers of every type amqplib can write, and the properties of both protocols. */
const HEADERS = {
  zero: 0,
  small: 5,
  large: 3_000_000_000,
  huge: 2 ** 52,
  negative: -1,
  fraction: 1.5,
  yes: true,
  no: false,
  empty: '',
  nothing: null,
  bytes: Buffer.from([0xff, 0xfe]),
  é日: 'é日',
  time: { '!': 'timestamp', value: 1_700_000_000_000 },
  list: ['a', 1, null],
  table: { nested: { deeper: 'x' } },
}

async function foreign({ url, topic, partition }: PartitionOfTopic): Promise<readonly ForeignRecord[]> {
  const stream = `${topic}-${partition}`
  const seen = [Buffer.from('headers'), Buffer.from('properties'), Buffer.alloc(0), Buffer.from([0xff, 0xfe])]
  const connection = await amqp.connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  const properties = {
    messageId: 'm',
    correlationId: 'c',
    contentType: 'x/y',
    timestamp: 1,
    priority: 3,
    userId: 'guest',
  }
  const options: readonly amqp.Options.Publish[] = [{ headers: HEADERS }, properties, {}, { headers: {} }]
  for (const [index, body] of seen.entries()) channel.sendToQueue(stream, body, options[index] ?? {})
  await channel.waitForConfirms()
  await connection.close()
  const text = await onStream(stream, 1, async (publisher) => {
    await publisher.send(Buffer.from('application properties'), {
      applicationProperties: { zero: 0, text: 'x', empty: '' },
      messageProperties: { messageId: 'm', contentType: 'x/y', creationTime: new Date(0) },
    })
    await publisher.flush()
    return [Buffer.from('application properties')]
  })
  return [...seen, ...text].map((value) => ({ value }))
}

/** A batch of one entry takes an offset for each of its records; positions stored in the log take one each. */
async function gaps({ url, topic, partition }: PartitionOfTopic): Promise<readonly Buffer[]> {
  const stream = `${topic}-${partition}`
  const values = await onStream(stream, 3, async (publisher) => {
    await publisher.send(Buffer.from('plain'))
    await publisher.flush()
    const plain = ['p1', 'p2', 'p3'].map((text) => Buffer.from(text))
    const zipped = ['z1', 'z2', 'z3', 'z4'].map((text) => Buffer.from(text))
    await publisher.sendSubEntries(
      plain.map((content) => ({ content })),
      CompressionType.None,
    )
    await publisher.sendSubEntries(
      zipped.map((content) => ({ content })),
      CompressionType.Gzip,
    )
    return [Buffer.from('plain'), ...plain, ...zipped]
  })
  // Each of these puts a position into the log behind the last record.
  const backend = await openBackend(url, { log: silentLog })
  const ends = (await backend.describeTopic(topic)).ranges.map(({ end }) => end)
  for (let n = 0; n < 3; n++) await backend.resetGroup(`${topic}-gap-${n}`, topic, ends)
  await backend.close()
  return values
}

/** Publishes to a stream as other clients do, until the broker has confirmed so many entries. */
async function onStream(
  stream: string,
  entries: number,
  publish: (publisher: Publisher) => Promise<readonly Buffer[]>,
): Promise<readonly Buffer[]> {
  const client = await connect({ ...streamAddress(), vhost: '/' })
  try {
    const publisher = await client.declarePublisher({ stream })
    let confirmed = 0
    publisher.on('publish_confirm', (_, ids) => void (confirmed += ids.length))
    const values = await publish(publisher)
    await eventually(() => confirmed === entries, { what: `${entries} entries in ${stream} are confirmed` })
    return values
  } finally {
    await client.close()
  }
}

async function interrupt(url: string): Promise<Interruption> {
  const { hostname, port } = streamAddress()
  const broker = new URL(url)
  const streams = await openTcpProxy({ host: hostname, port })
  const classic = await openTcpProxy({ host: broker.hostname, port: Number(broker.port) })
  broker.port = String(classic.port)
  broker.searchParams.set('stream', String(streams.port))
  const both = [streams, classic]
  return {
    url: broker.href,
    set: (mode) => both.forEach((proxy) => proxy.set(mode)),
    swallowed: () => streams.swallowed(),
    cut: () => both.forEach((proxy) => proxy.cut()),
    close: async () => void (await Promise.all(both.map((proxy) => proxy.close()))),
  }
}

function streamAddress() {
  const url = new URL(process.env[VARIABLE] ?? '')
  return {
    hostname: url.hostname,
    port: Number(url.searchParams.get('stream') ?? STREAM_PORT),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}
