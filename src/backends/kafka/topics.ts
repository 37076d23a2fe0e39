import type { TopicDescription } from '../../core/backend.ts'
import { type TopicSpec, specText } from '../../core/topic-spec.ts'
import { DrawbridgeError, hasCode } from '../../core/errors.ts'
import { isDeadLetterTopic } from '../../core/topic.ts'
import { MAX_BATCH_BYTES, MAX_LETTER_BYTES } from './appender.ts'
import {
  BROKER_RESOURCE,
  TOPIC_RESOURCE,
  createPartitions,
  createTopics,
  deleteTopics,
  describeConfigs,
} from './calls-topics.ts'
import { type Cluster, type TopicView, persist } from './cluster.ts'
import { KAFKA, kafkaError, topicUnknown } from './errors.ts'
import { LATEST, askOffsets, askRanges } from './offsets.ts'

const MAX_PARTITIONS = 10_000
/** What a description shows. */
export const CONFIGS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'message.timestamp.type',
  'max.message.bytes',
  'compression.type',
]
const SAFE_REPLICAS = 3
/** What is acknowledged stands in two places at least. */
const SAFE = { 'min.insync.replicas': '2' }
const CREATE_RIGHT =
  'Create on the topic and DescribeConfigs on the cluster; or use --no-create, and let an administrator make the topics'
const POLL_MS = 25
const SPREAD_MS = 15_000

/** Durably, with the broker's default replication; times are the broker's. ERR_TOPIC_DIFFERS, ERR_CONFIG. */
export async function createTopic(cluster: Cluster, spec: TopicSpec): Promise<void> {
  checkPartitions(spec.name, spec.partitions)
  const found = await findTopic(cluster, spec.name)
  if (found !== undefined) return compare(cluster, spec, found)
  const configs = {
    ...configsOf(spec),
    ...((await defaultReplication(cluster)) >= SAFE_REPLICAS ? SAFE : {}),
  }
  const result = await persist(() => cluster.toController(createTopics(spec.name, spec.partitions, configs)))
  if (result.error === KAFKA.TOPIC_ALREADY_EXISTS) {
    await spread(cluster, spec.name, 1)
    return compare(cluster, spec, await cluster.topic(spec.name, 0))
  }
  checkResult(result, spec.name, CREATE_RIGHT)
  await spread(cluster, spec.name, spec.partitions)
}

function configsOf(spec: TopicSpec): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': spec.compact ? 'compact' : 'delete',
    'retention.ms': String(spec.retentionMs ?? -1),
    'retention.bytes': String(spec.retentionBytes ?? -1),
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(isDeadLetterTopic(spec.name) ? MAX_LETTER_BYTES : MAX_BATCH_BYTES),
  }
}

/** With Kafka's own program, for whoever may create topics. */
export async function creationCommand(cluster: Cluster, seeds: string, spec: TopicSpec): Promise<string> {
  const safe = (await cluster.nodes()).length >= SAFE_REPLICAS
  const configs = Object.entries({ ...configsOf(spec), ...(safe ? SAFE : {}) })
  return [
    `kafka-topics.sh --bootstrap-server ${seeds} --create --topic ${spec.name} --partitions ${spec.partitions}`,
    ...(safe ? [`--replication-factor ${SAFE_REPLICAS}`] : []),
    ...configs.map(([key, value]) => `--config ${key}=${value}`),
  ].join(' ')
}

/** __consumer_offsets and the like. */
export function isKafkasOwn(topic: string): boolean {
  return topic.startsWith('__')
}

/** ERR_CONFIG for fewer than there are. */
export async function widenTopic(cluster: Cluster, topic: string, partitions: number): Promise<void> {
  checkPartitions(topic, partitions)
  const has = (await persist(() => cluster.topic(topic, 0))).leaders.length
  if (partitions === has) return
  if (partitions < has) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${JSON.stringify(topic)} has ${has} partitions; it can be widened, never narrowed to ${partitions}`,
      { details: { topic, partitions: has } },
    )
  }
  checkResult(
    await persist(() => cluster.toController(createPartitions(topic, partitions))),
    topic,
    'Alter on the topic',
  )
  await spread(cluster, topic, partitions)
}

/** Returns when it and its groups' positions are gone; the coordinators drop those by themselves, a little later. */
export async function deleteTopic(
  cluster: Cluster,
  topic: string,
  positionsGone: () => Promise<boolean>,
): Promise<void> {
  await persist(() => cluster.topic(topic, 0))
  const error = await persist(() => cluster.toController(deleteTopics(topic)))
  if (error === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) throw topicUnknown(topic)
  if (error !== KAFKA.NONE)
    throw kafkaError(error, `topic ${JSON.stringify(topic)}`, 'not-written', 'Delete on the topic')
  await until(async () => (await cluster.topicEverywhere(topic)).every((view) => view === undefined))
  cluster.forgetTopic(topic)
  await until(positionsGone)
}

export async function describeTopic(cluster: Cluster, topic: string): Promise<TopicDescription> {
  const view = await persist(() => cluster.topic(topic, 0))
  const [configs, ranges] = await Promise.all([readConfigs(cluster, topic), persist(() => askRanges(cluster, topic))])
  return {
    ...specOf(view, configs),
    partitions: ranges.length,
    incarnation: view.id,
    configs: { 'replication.factor': String(view.replicas), ...configs },
    ranges,
  }
}

async function compare(cluster: Cluster, spec: TopicSpec, view: TopicView): Promise<void> {
  const found = specText(specOf(view, await readConfigs(cluster, view.name)))
  const wanted = specText(spec)
  if (found === wanted) return
  throw new DrawbridgeError(
    'ERR_TOPIC_DIFFERS',
    `topic ${JSON.stringify(spec.name)} exists with ${found}, not ${wanted}: declare it as it is, or choose another name`,
    { details: { topic: spec.name, found } },
  )
}

async function readConfigs(cluster: Cluster, topic: string): Promise<Readonly<Record<string, string>>> {
  const [found] = await persist(() => cluster.toAny(describeConfigs(TOPIC_RESOURCE, [topic], CONFIGS)))
  const { error, values } = found ?? { error: KAFKA.UNKNOWN_TOPIC_OR_PARTITION, values: {} }
  if (error !== KAFKA.NONE) {
    throw kafkaError(error, `topic ${JSON.stringify(topic)}`, 'not-written', 'DescribeConfigs on the topic')
  }
  return Object.fromEntries(CONFIGS.flatMap((key) => (typeof values[key] === 'string' ? [[key, values[key]]] : [])))
}

function specOf(view: TopicView, configs: Readonly<Record<string, string>>): TopicSpec {
  const bound = (key: string) => (Number(configs[key] ?? -1) < 0 ? null : Number(configs[key]))
  return {
    name: view.name,
    partitions: view.leaders.length,
    compact: (configs['cleanup.policy'] ?? '').split(',').includes('compact'),
    retentionMs: bound('retention.ms'),
    retentionBytes: bound('retention.bytes'),
  }
}

async function defaultReplication(cluster: Cluster): Promise<number> {
  const key = 'default.replication.factor'
  return persist(async () => {
    const [node] = await cluster.nodes()
    const call = describeConfigs(BROKER_RESOURCE, [String(node)], [key])
    const [found] = await cluster.toNode(node ?? -1, 'main', call)
    const error = found?.error ?? KAFKA.NONE
    // Without it min.insync.replicas would be a guess, and a wrong one a topic that loses records or takes none.
    if (error !== KAFKA.NONE) throw kafkaError(error, 'the default replication', 'not-written', CREATE_RIGHT)
    return Number(found?.values[key] ?? 1)
  })
}

async function findTopic(cluster: Cluster, topic: string): Promise<TopicView | undefined> {
  try {
    return await persist(() => cluster.topic(topic, 0))
  } catch (error) {
    if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return undefined
    throw error
  }
}

/** Waits until every node knows so many partitions, each with a leader: the controller answers before that. */
async function spread(cluster: Cluster, topic: string, partitions: number): Promise<void> {
  await until(async () =>
    (await cluster.topicEverywhere(topic)).every((view) => {
      const leaders = view?.leaders ?? []
      return leaders.length >= partitions && leaders.every((leader) => leader >= 0)
    }),
  )
  cluster.forgetTopic(topic)
  // A leader that is named may still have to open its log.
  await persist(() => askOffsets(cluster, topic, LATEST))
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + SPREAD_MS
  while (!(await holds()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

function checkResult(
  { error, message }: { error: number; message: string | null },
  topic: string,
  right: string,
): void {
  if (error === KAFKA.NONE) return
  const why = message === null ? '' : ` (${message})`
  if (error === KAFKA.INVALID_CONFIG || error === KAFKA.INVALID_PARTITIONS) {
    throw new DrawbridgeError('ERR_CONFIG', `topic ${JSON.stringify(topic)}: Kafka refuses it${why}`)
  }
  throw kafkaError(error, `topic ${JSON.stringify(topic)}${why}`, 'not-written', right)
}

function checkPartitions(topic: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS) return
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `topic ${JSON.stringify(topic)}: ${partitions} partitions; give a whole number from 1 to ${MAX_PARTITIONS}`,
  )
}
