import type { TopicDescription } from '../../core/backend.ts'
import { type TopicSpec, specText } from '../../core/topic-spec.ts'
import { DrawbridgeError, hasCode } from '../../core/errors.ts'
import { MAX_BATCH_BYTES } from './appender.ts'
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
const SAFE_REPLICAS = 3
const CREATE_RIGHT =
  'Create on the topic and DescribeConfigs on the cluster; or use --no-create, and let an administrator make the topics'
const POLL_MS = 25
const SPREAD_MS = 15_000

/** Durably, with the broker's default replication; times are the broker's. ERR_TOPIC_DIFFERS, ERR_CONFIG. */
export async function createTopic(cluster: Cluster, spec: TopicSpec): Promise<void> {
  checkPartitions(spec.name, spec.partitions)
  const found = await findTopic(cluster, spec.name)
  if (found !== undefined) return compare(cluster, spec, found)
  const configs: Record<string, string> = {
    'cleanup.policy': spec.compact ? 'compact' : 'delete',
    'retention.ms': String(spec.retentionMs ?? -1),
    'retention.bytes': String(spec.retentionBytes ?? -1),
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(MAX_BATCH_BYTES),
    ...((await defaultReplication(cluster)) >= SAFE_REPLICAS ? { 'min.insync.replicas': '2' } : {}),
  }
  const result = await persist(() => cluster.toController(createTopics(spec.name, spec.partitions, configs)))
  if (result.error === KAFKA.TOPIC_ALREADY_EXISTS) {
    await spread(cluster, spec.name, 1)
    return compare(cluster, spec, await cluster.topic(spec.name, 0))
  }
  checkResult(result, spec.name, CREATE_RIGHT)
  await spread(cluster, spec.name, spec.partitions)
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
  const [spec, ranges] = await Promise.all([readSpec(cluster, view), persist(() => askRanges(cluster, topic))])
  return { ...spec, partitions: ranges.length, incarnation: view.id, ranges }
}

async function compare(cluster: Cluster, spec: TopicSpec, view: TopicView): Promise<void> {
  const found = specText(await readSpec(cluster, view))
  const wanted = specText(spec)
  if (found === wanted) return
  throw new DrawbridgeError(
    'ERR_TOPIC_DIFFERS',
    `topic ${JSON.stringify(spec.name)} exists with ${found}, not ${wanted}: declare it as it is, or choose another name`,
    { details: { topic: spec.name, found } },
  )
}

async function readSpec(cluster: Cluster, view: TopicView): Promise<TopicSpec> {
  const keys = ['cleanup.policy', 'retention.ms', 'retention.bytes']
  const { error, values } = await persist(async () => {
    const [node] = await cluster.nodes()
    return cluster.toNode(node ?? -1, 'main', describeConfigs(TOPIC_RESOURCE, view.name, keys))
  })
  if (error !== KAFKA.NONE)
    throw kafkaError(error, `topic ${JSON.stringify(view.name)}`, 'not-written', 'DescribeConfigs on the topic')
  const bound = (key: string) => (Number(values[key] ?? -1) < 0 ? null : Number(values[key]))
  return {
    name: view.name,
    partitions: view.leaders.length,
    compact: (values['cleanup.policy'] ?? '').split(',').includes('compact'),
    retentionMs: bound('retention.ms'),
    retentionBytes: bound('retention.bytes'),
  }
}

async function defaultReplication(cluster: Cluster): Promise<number> {
  const key = 'default.replication.factor'
  return persist(async () => {
    const [node] = await cluster.nodes()
    const call = describeConfigs(BROKER_RESOURCE, String(node), [key])
    const { error, values } = await cluster.toNode(node ?? -1, 'main', call)
    // Without it min.insync.replicas would be a guess, and a wrong one a topic that loses records or takes none.
    if (error !== KAFKA.NONE) throw kafkaError(error, 'the default replication', 'not-written', CREATE_RIGHT)
    return Number(values[key] ?? 1)
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
