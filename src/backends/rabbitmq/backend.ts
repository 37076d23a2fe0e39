import { checkSize, partitionUnknown } from '../refusals.ts'
import type { AppendResult, Backend, BackendOptions, Feed, FeedOptions, RecordReader } from '../../core/backend.ts'
import type { NewRecord } from '../../core/record.ts'
import { createConnections } from './connections.ts'
import { creationCommand } from './creation-command.ts'
import { closedError } from './errors.ts'
import { openRabbitmqFeed } from './feed.ts'
import { createGroups } from './groups.ts'
import { createLeaders } from './leaders.ts'
import { createLink } from './link.ts'
import { createLooks } from './looks.ts'
import { createManagement } from './management.ts'
import { murmur3Partition } from './murmur3.ts'
import { createPublishing } from './publishing.ts'
import { openRabbitmqReader } from './reader.ts'
import { checkSpec, createTopology, FOREIGN } from './topology.ts'
import { readRabbitmqUrl } from './url.ts'

/**
 * More than users may send: other clients' messages go up to 16 MiB (RabbitMQ's max_message_size), and what cannot be read of
 * them has to fit into a letter.
 */
const MAX_RECORD_BYTES = 24 * 1_048_576
/** How long a producer may not notice that a topic was widened. */
const STREAMS_MS = 10_000

/**
 * Opens RabbitMQ 3.13 or later with its stream plugin, by `amqp[s]://USER:PASSWORD@HOST:PORT/VHOST?stream=PORT`. Topics are
 * super streams. ERR_CONFIG, ERR_BROKER_UNREACHABLE, ERR_UNSUPPORTED.
 */
export async function openRabbitmq(url: string, options: BackendOptions): Promise<Backend> {
  const { log } = options
  const target = await readRabbitmqUrl(url)
  const connections = createConnections(target)
  const link = createLink(connections, 'drawbridge control')
  const looks = createLooks(createLeaders(connections))
  const topology = createTopology(connections, link)
  const groups = createGroups({ connections, link, looks, topology, management: createManagement(connections) })
  const publishing = createPublishing(connections, log)
  const streamsOf = new Map<string, { readonly streams: readonly string[]; readonly until: number }>()
  const feeds = new Set<Feed>()
  const readers = new Set<RecordReader>()
  let closing: Promise<void> | undefined
  // Fails now rather than at the first call.
  try {
    await link.ask('opening', async () => undefined)
  } catch (error) {
    await connections.close()
    throw error
  }

  return {
    name: 'rabbitmq',
    capabilities: { appendOffsets: false, compaction: false, maxRecordBytes: MAX_RECORD_BYTES },
    createTopic: open((spec) => topology.create(spec)),
    creationCommand: open(async (spec) => {
      checkSpec(target.place, spec)
      return creationCommand(target.virtualHost, spec)
    }),
    widenTopic: open(async (topic, partitions) => {
      await topology.widen(topic, partitions)
      streamsOf.delete(topic)
    }),
    deleteTopic: open(async (topic) => {
      await groups.checkIdle(topic)
      await topology.delete(topic)
      streamsOf.delete(topic)
    }),
    describeTopic: open(async (topic) => {
      const { streams, ...card } = await topology.layout(topic)
      const life = card.incarnation === FOREIGN ? undefined : card.incarnation
      const ranges = await link.ask(`describing topic ${topic}`, (connection) =>
        Promise.all(streams.map((stream) => looks.extent(connection, stream, life))),
      )
      return { name: topic, partitions: streams.length, compact: false, ...card, ranges }
    }),
    listTopics: open(() => topology.list()),
    partitionFor: murmur3Partition,
    append: open(append),
    openFeed: open(openFeed),
    openReader: open(async (options) => {
      const streams = await topology.streams(options.topic)
      for (const { partition } of options.ranges)
        if (streams[partition] === undefined) throw partitionUnknown(options.topic, partition, streams.length)
      const reader = await openRabbitmqReader(connections, streams, options, (done) => readers.delete(done))
      readers.add(reader)
      if (closing !== undefined) await reader.close()
      return reader
    }),
    offsetsAt: open(async (topic, timestamp) => {
      const streams = await topology.streams(topic)
      return link.ask(`looking for a time in ${topic}`, (connection) =>
        Promise.all(streams.map((stream) => looks.offsetAt(connection, stream, timestamp))),
      )
    }),
    listGroups: open(() => groups.list()),
    describeGroup: open((group, topic) => groups.describe(group, topic)),
    resetGroup: open((group, topic, positions) => groups.reset(group, topic, positions)),
    deleteGroup: open((group, topic) => groups.delete(group, topic)),
    close: () => (closing ??= close()),
  }

  function open<A extends unknown[], T>(call: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      if (closing !== undefined) throw closedError(target.place)
      const result = await call(...args)
      return result
    }
  }

  async function append(topic: string, partition: number, records: readonly NewRecord[]): Promise<AppendResult> {
    records.forEach((record, index) => checkSize(topic, partition, index, record, MAX_RECORD_BYTES))
    const streams = await producerStreams(topic, partition)
    const stream = streams[partition]
    if (stream === undefined) throw partitionUnknown(topic, partition, streams.length)
    if (records.length > 0) await publishing.append(stream, records)
    return { firstOffset: null }
  }

  async function producerStreams(topic: string, partition: number): Promise<readonly string[]> {
    const known = streamsOf.get(topic)
    if (known !== undefined && known.until > performance.now() && known.streams[partition] !== undefined)
      return known.streams
    const streams = await topology.streams(topic)
    streamsOf.set(topic, { streams, until: performance.now() + STREAMS_MS })
    return streams
  }

  async function openFeed(options: FeedOptions): Promise<Feed> {
    const context = { connections, looks, log, streams: topology.streams, onClose: (done: Feed) => feeds.delete(done) }
    const feed = await openRabbitmqFeed(context, options)
    feeds.add(feed)
    // Closed while joining: nobody holds the feed yet, so it is ended here.
    if (closing === undefined) return feed
    await feed.close()
    throw closedError(target.place)
  }

  async function close(): Promise<void> {
    await Promise.all([...feeds, ...readers].map((each) => each.close()))
    await publishing.close()
    await link.close()
    await connections.close()
  }
}
