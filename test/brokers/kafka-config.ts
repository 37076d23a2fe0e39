import { type NodePlan, portOf } from './broker.ts'

/** server.properties of the `index`-th of the nodes: KRaft, broker and controller in one, everything on 127.0.0.1. `more` wins. */
export function renderKafkaConfig(
  nodes: readonly NodePlan[],
  index: number,
  more: Readonly<Record<string, string>> = {},
): string {
  const node = nodes[index]
  if (node === undefined) throw new Error(`there is no node ${index}`)
  const client = `127.0.0.1:${portOf(node, 'client')}`
  const controller = `127.0.0.1:${portOf(node, 'controller')}`
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': index + 1,
    ...quorum(nodes),
    listeners: `PLAINTEXT://${client},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${client},CONTROLLER://${controller}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': `${node.folder}/data`,
    ...replication(nodes.length),
    ...(nodes.length > 1 ? FAILOVER : {}),
    ...SMALL,
    ...QUICK,
    ...more,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function quorum(nodes: readonly NodePlan[]): Readonly<Record<string, string>> {
  const addresses = nodes.map((node) => `127.0.0.1:${portOf(node, 'controller')}`)
  if (nodes.length === 1) return { 'controller.quorum.bootstrap.servers': addresses.join(',') }
  return { 'controller.quorum.voters': addresses.map((address, index) => `${index + 1}@${address}`).join(',') }
}

function replication(nodes: number): Readonly<Record<string, number>> {
  const factor = Math.min(3, nodes)
  const inSync = Math.max(1, factor - 1)
  return {
    'default.replication.factor': factor,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': inSync,
  }
}

/** A dead broker loses its partitions within 3 s instead of 9. */
const FAILOVER = { 'broker.session.timeout.ms': 3_000, 'broker.heartbeat.interval.ms': 500 }

/** Fit for a small machine. */
const SMALL = {
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.num.partitions': 4,
  'log.cleaner.dedupe.buffer.size': 16_777_216,
}

/** What tests wait for comes soon: first assignment, short sessions, compaction, retention. */
const QUICK = {
  'auto.create.topics.enable': false,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'log.initial.task.delay.ms': 1_000,
  'log.retention.check.interval.ms': 2_000,
  'log.cleaner.backoff.ms': 1_000,
}

/** Everything from INFO on to standard output, which goes to the node's log. */
export const KAFKA_LOGGING = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
`
