import { CompressionTypes, Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import { openTcpProxy } from '../../kit/tcp-proxy.ts'
import type { BackendUnderTest, ForeignRecord, Interruption, PartitionOfTopic } from '../under-test.ts'
import { KAFKA_KEYS } from './keys.ts'

const VARIABLE = 'KAFKA_URL'

export const kafka: BackendUnderTest = {
  name: 'kafka',
  variable: VARIABLE,
  createUrl: () => process.env[VARIABLE] ?? '',
  skip: [
    {
      test: 'contract feed: a-group-that-is-live-on-one-topic-may-be-reset-on-another',
      reason:
        'a Kafka group has one membership over all its topics, and only a member may move its positions while one lives',
    },
  ],
  hooks: { keys: KAFKA_KEYS, expire, foreign, gaps, interrupt },
}

async function expire(_: unknown, topic: string, partition: number, below: number): Promise<void> {
  const admin = client(kafka.createUrl()).admin()
  await admin.connect()
  try {
    // kafkajs looks for the partition's leader in what it has loaded before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(below) }] })
  } finally {
    await admin.disconnect()
  }
}

async function foreign({ url, topic, partition }: PartitionOfTopic): Promise<readonly ForeignRecord[]> {
  const odd = Buffer.from([0xff, 0xfe, 0x00])
  const plain: readonly Message[] = [
    { key: null, value: 'text', headers: { text: 'x', empty: '', bytes: odd, many: ['a', Buffer.from('b'), ''] } },
    { key: 'k', value: null, headers: {} },
    { key: '', value: '', headers: { '': 'no name', é日: odd } },
    { key: odd, value: odd, timestamp: '0' },
    { value: Buffer.from([0, 0, 0, 0xff, 0xff, 1]) },
  ]
  await withProducer(url, {}, async (producer) => {
    await send(producer, topic, partition, plain)
    await send(producer, topic, partition, [{ value: 'zipped 1' }, { value: 'zipped 2' }], CompressionTypes.GZIP)
  })
  const headers: readonly ForeignRecord['headers'][] = [
    [
      ['text', Buffer.from('x')],
      ['empty', Buffer.alloc(0)],
      ['bytes', odd],
      ['many', Buffer.from('a')],
      ['many', Buffer.from('b')],
      ['many', Buffer.alloc(0)],
    ],
    [],
    [
      ['', Buffer.from('no name')],
      ['é日', odd],
    ],
  ]
  return [
    ...plain.map(({ key, value }, index) => {
      const seen = headers[index]
      return { key: bytes(key), value: bytes(value), ...(seen === undefined ? {} : { headers: seen }) }
    }),
    { value: Buffer.from('zipped 1') },
    { value: Buffer.from('zipped 2') },
  ]
}

/** Markers of committed and aborted transactions take offsets, the last one the log's very end. */
async function gaps({ url, topic, partition }: PartitionOfTopic): Promise<readonly Buffer[]> {
  await withProducer(
    url,
    { transactionalId: `${topic}-${partition}`, idempotent: true, maxInFlightRequests: 1 },
    async (producer) => {
      const inTransaction = async (values: readonly string[], end: 'commit' | 'abort') => {
        const transaction = await producer.transaction()
        await transaction.send({ topic, acks: -1, messages: values.map((value) => ({ value, partition })) })
        await transaction[end]()
      }
      await inTransaction(['a', 'b'], 'commit')
      await inTransaction(['never 1', 'never 2', 'never 3'], 'abort')
      await inTransaction(['c'], 'commit')
      await inTransaction(['never 4'], 'abort')
    },
  )
  return ['a', 'b', 'c'].map((text) => Buffer.from(text))
}

async function interrupt(url: string): Promise<Interruption> {
  const { protocol, host, port } = addressOf(url)
  const proxy = await openTcpProxy({ host, port, advertised: true })
  return { ...proxy, url: `${protocol}127.0.0.1:${proxy.port}` }
}

async function withProducer(
  url: string,
  options: Parameters<Kafka['producer']>[0],
  run: (producer: Producer) => Promise<void>,
): Promise<void> {
  const producer = client(url).producer(options)
  await producer.connect()
  try {
    await run(producer)
  } finally {
    await producer.disconnect()
  }
}

async function send(
  producer: Producer,
  topic: string,
  partition: number,
  messages: readonly Message[],
  compression: CompressionTypes = CompressionTypes.None,
): Promise<void> {
  await producer.send({
    topic,
    acks: -1,
    compression,
    messages: messages.map((message) => ({ ...message, partition })),
  })
}

function client(url: string): Kafka {
  const { host, port } = addressOf(url)
  return new Kafka({ clientId: 'foreign', brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
}

/** The first node's address. */
function addressOf(url: string): { protocol: string; host: string; port: number } {
  const [, protocol = '', host = '', port = ''] = /^([a-z+]+:\/\/)([^:,/]+):(\d+)/.exec(url) ?? []
  return { protocol, host, port: Number(port) }
}

function bytes(data: string | Buffer | null | undefined): Buffer | null {
  return data === null || data === undefined ? null : Buffer.from(data)
}
