import { topicMissing } from '../creation.ts'
import { MAX_BYTES, partitionUnknown } from '../refusals.ts'
import type { Backend, BackendOptions, FeedOptions, ReaderOptions, RecordReader } from '../../core/backend.ts'
import { hasCode } from '../../core/errors.ts'
import type { TopicSpec } from '../../core/topic-spec.ts'
import { murmur2Partition } from '../murmur2.ts'
import { createAppender } from './appender.ts'
import { createCluster, persist } from './cluster.ts'
import { closedError, groupActive } from './errors.ts'
import { type KafkaFeed, openKafkaFeed } from './feed.ts'
import { deleteGroup, describeOneGroup, groupsOn, listAllGroups, resetGroup } from './groups.ts'
import { askOffsetsAt } from './offsets.ts'
import { createReader } from './reader.ts'
import { findRisks } from './risks.ts'
import { readSettings } from './settings.ts'
import { createTopic, creationCommand, deleteTopic, describeTopic, isKafkasOwn, widenTopic } from './topics.ts'
import { WITNESS_SPEC, WITNESS_TOPIC, createWitnesses } from './witnesses.ts'

/**
 * Opens Kafka (2.8 or later) at `kafka://host:port,…` or `kafka+ssl://user:password@host:port,…`. ERR_CONFIG,
 * ERR_BROKER_UNREACHABLE where no broker of the URL answers.
 */
export async function openKafka(url: string, { log, create }: BackendOptions): Promise<Backend> {
  const settings = await readSettings(url)
  const cluster = createCluster(settings, log)
  const feeds = new Set<KafkaFeed>()
  const readers = new Set<RecordReader>()
  const opening = new Set<Promise<unknown>>()
  /** By group: what stands behind our name in a static member's. */
  const seats = new Set<string>()
  let lanes = 0
  let closing: Promise<void> | undefined
  let closed = false
  let missingTold = false

  const appender = createAppender(cluster, settings.compression, () => closed)
  const witnesses = createWitnesses({
    cluster,
    appender,
    openReader: startReader,
    needTopic: create === false ? findWitnessTopic : makeWitnessTopic,
  })
  try {
    await cluster.nodes()
  } catch (error) {
    cluster.close()
    throw error
  }

  return {
    name: 'kafka',
    capabilities: { appendOffsets: true, compaction: true, maxRecordBytes: MAX_BYTES },
    createTopic: (spec) => open(() => createTopic(cluster, spec)),
    creationCommand: (spec) => open(() => commandFor(spec)),
    widenTopic: (topic, partitions) => open(() => widenTopic(cluster, topic, partitions)),
    deleteTopic: (topic) =>
      open(async () => {
        await persist(() => cluster.topic(topic, 0))
        const [active] = await groupsOn(cluster, topic)
        if (active !== undefined) throw groupActive(active, topic)
        await deleteTopic(cluster, topic, async () =>
          (await listAllGroups(cluster)).every((found) => found.topic !== topic),
        )
        await witnesses.removeTopic(topic)
      }),
    describeTopic: (topic) => open(() => describeTopic(cluster, topic)),
    findRisks: () => open(() => findRisks(cluster)),
    listTopics: () =>
      open(async () => {
        const topics = await persist(() => cluster.topics())
        return topics
          .map(({ name }) => name)
          .filter((name) => !isKafkasOwn(name))
          .sort()
      }),
    partitionFor: murmur2Partition,
    append: (topic, partition, records) => open(() => appender.append(topic, partition, records)),
    openFeed: (options) => open(() => openFeed(options)),
    openReader: (options) =>
      open(async () => {
        const { leaders } = await persist(() => cluster.topic(options.topic, 0))
        for (const { partition } of options.ranges) {
          if (partition >= leaders.length) throw partitionUnknown(options.topic, partition, leaders.length)
        }
        if (closing !== undefined) throw closedError()
        return startReader(options)
      }),
    offsetsAt: (topic, timestamp) => open(() => persist(() => askOffsetsAt(cluster, topic, timestamp))),
    listGroups: () => open(() => listAllGroups(cluster)),
    describeGroup: (group, topic) => open(() => describeOneGroup(cluster, group, topic)),
    resetGroup: (group, topic, positions) =>
      open(() => resetGroup({ cluster, witnesses, log, lane: `guest-${lanes++}-` }, { group, topic, positions })),
    deleteGroup: (group, topic) => open(() => deleteGroup(cluster, witnesses, group, topic)),
    close: () => (closing ??= close()),
  }

  async function makeWitnessTopic(): Promise<boolean> {
    await createTopic(cluster, WITNESS_SPEC)
    return true
  }

  /** Without it groups work, but for what it is there for: that is told, once. */
  async function findWitnessTopic(): Promise<boolean> {
    try {
      await persist(() => cluster.topic(WITNESS_TOPIC))
      return true
    } catch (error) {
      if (!hasCode(error, 'ERR_TOPIC_UNKNOWN')) throw error
    }
    if (!missingTold) {
      missingTold = true
      const { message } = await topicMissing({ creationCommand: commandFor }, WITNESS_SPEC)
      log.warn({}, `positions that Kafka forgets will not be missed: ${message}`)
    }
    return false
  }

  function commandFor(spec: TopicSpec): Promise<string> {
    const seeds = settings.seeds.map(({ host, port }) => `${host}:${port}`).join(',')
    return persist(() => creationCommand(cluster, seeds, spec))
  }

  async function open<T>(run: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw closedError()
    return run()
  }

  async function openFeed(options: FeedOptions): Promise<KafkaFeed> {
    const lane = `feed-${lanes++}-`
    const seat = takeSeat(options)
    const onClose = (done: KafkaFeed) => {
      feeds.delete(done)
      seats.delete(seat.key)
    }
    const instance = settings.instance === undefined ? null : `${settings.instance}.${seat.name}`
    const joining = openKafkaFeed({ cluster, witnesses, log, lane, instance, onClose }, options)
    opening.add(joining)
    try {
      const feed = await joining
      feeds.add(feed)
      return feed
    } catch (error) {
      seats.delete(seat.key)
      throw error
    } finally {
      opening.delete(joining)
    }
  }

  /** The same one again after a restart, as long as feeds are opened in the same order. */
  function takeSeat({ group, topic }: FeedOptions): { readonly key: string; readonly name: string } {
    for (let number = 1; ; number++) {
      const name = number === 1 ? topic : `${topic}.${number}`
      const key = JSON.stringify([group, name])
      if (seats.has(key)) continue
      seats.add(key)
      return { key, name }
    }
  }

  function startReader(options: ReaderOptions): RecordReader {
    const lane = `reader-${lanes++}-`
    const reader = createReader({ cluster, log, lane, onClose: () => readers.delete(reader) }, options)
    readers.add(reader)
    return reader
  }

  async function close(): Promise<void> {
    await Promise.allSettled(opening)
    await Promise.all([...feeds, ...readers].map((each) => each.close()))
    closed = true
    cluster.close()
  }
}
