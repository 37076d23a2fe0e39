import { expect, test } from '@jest/globals'
import { BROKER_NAMES, type Broker, type NodePlan } from './broker.ts'
import { renderKafkaConfig } from './kafka-config.ts'
import { renderPom } from './maven.ts'
import { portAt } from './ports.ts'
import { rabbitmqEnvironment, renderRabbitmqCluster, renderRabbitmqConfig } from './rabbitmq-config.ts'
import { idsOf } from './rabbitmq.ts'
import { renderRegistryConfig } from './registry.ts'
import { BROKERS } from './table.ts'
import { javaVersion } from './tools.ts'

test('no two brokers share a port of a slot, and every slot ends before the next', () => {
  const offsets = BROKER_NAMES.flatMap((name) => [
    ...new Set(BROKERS[name].nodes.flatMap((node) => Object.values(node.ports))),
  ])
  expect(new Set(offsets).size).toBe(offsets.length)
  expect(Math.max(...offsets)).toBeLessThan(portAt(1, 0) - portAt(0, 0))
})

test('nodes are known by their names alone', () => {
  const names = BROKER_NAMES.flatMap((name) => BROKERS[name].nodes.map((node) => node.name))
  expect(new Set(names).size).toBe(names.length)
})

test('one Kafka node needs no other', () => {
  const config = settings(renderKafkaConfig(plans(BROKERS.kafka), 0))
  expect(config).toMatchObject({
    'node.id': '1',
    'controller.quorum.bootstrap.servers': '127.0.0.1:20002',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002',
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'log.dirs': '/run/kafka/data',
  })
  expect(config).not.toHaveProperty(['controller.quorum.voters'])
})

test('three Kafka nodes keep three copies and acknowledge with two', () => {
  const nodes = plans(BROKERS.kafka3)
  const configs = nodes.map((_, index) => settings(renderKafkaConfig(nodes, index)))
  for (const config of configs) {
    expect(config).toMatchObject({
      'controller.quorum.voters': '1@127.0.0.1:20014,2@127.0.0.1:20015,3@127.0.0.1:20016',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'transaction.state.log.min.isr': '2',
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
    })
  }
  expect(configs.map((config) => config['node.id'])).toEqual(['1', '2', '3'])
  expect(new Set(configs.map((config) => config.listeners)).size).toBe(3)
  expect(new Set(configs.map((config) => config['log.dirs'])).size).toBe(3)
})

test('every listener is on this machine alone', () => {
  const [rabbitmq, registry] = [plans(BROKERS.rabbitmq), plans(BROKERS.registry)].map(([node]) => node)
  if (rabbitmq === undefined || registry === undefined) throw new Error('a broker without a node')
  const inside = (file: string) => `/srv/node/${file}`
  expect(renderRabbitmqConfig(rabbitmq, inside)).toContain(`listeners.tcp.1 = 127.0.0.1:20021
stream.listeners.tcp.1 = 127.0.0.1:20022
stream.advertised_host = 127.0.0.1
stream.advertised_port = 20022
management.tcp.ip = 127.0.0.1
management.tcp.port = 20023
listeners.ssl.1 = 127.0.0.1:20026
stream.listeners.ssl.1 = 127.0.0.1:20027
stream.advertised_tls_port = 20027
management.ssl.ip = 127.0.0.1
management.ssl.port = 20028
`)
  expect(rabbitmqEnvironment(rabbitmq, inside)).toMatchObject({
    RABBITMQ_NODENAME: 'rabbitmq@localhost',
    RABBITMQ_CONFIG_FILE: '/srv/node/rabbitmq.conf',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: '20025',
    ERL_EPMD_ADDRESS: '127.0.0.1',
  })
  const hosts = Object.entries(settings(renderRegistryConfig(registry))).filter(([name]) => name.endsWith('.host'))
  expect(hosts.map(([, host]) => host)).toEqual(['127.0.0.1', '127.0.0.1'])
})

test('three RabbitMQ nodes find each other by the epmd that all are told', () => {
  const [epmd, ...nodes] = plans(BROKERS.rabbitmq3)
  if (epmd === undefined) throw new Error('no node')
  expect(BROKERS.rabbitmq3.command(epmd).args.slice(-5)).toEqual([
    '/usr/bin/epmd',
    '-port',
    '20091',
    '-address',
    '127.0.0.1',
  ])
  for (const node of nodes) {
    expect(BROKERS.rabbitmq3.command(node).args).toEqual(
      expect.arrayContaining(['ERL_EPMD_PORT=20091', `RABBITMQ_NODENAME=${node.name}@localhost`]),
    )
  }
  expect(renderRabbitmqCluster(nodes)).toContain(`cluster_partition_handling = pause_minority
collect_statistics_interval = 1000
cluster_formation.classic_config.nodes.1 = rabbitmq3-1@localhost
cluster_formation.classic_config.nodes.2 = rabbitmq3-2@localhost
cluster_formation.classic_config.nodes.3 = rabbitmq3-3@localhost
`)
})

test('tests find each broker by its variables', () => {
  expect(BROKER_NAMES.map((name) => BROKERS[name].variables(plans(BROKERS[name])))).toEqual([
    { KAFKA_URL: 'kafka://127.0.0.1:20001' },
    { KAFKA3_URL: 'kafka://127.0.0.1:20011,127.0.0.1:20012,127.0.0.1:20013' },
    { KAFKA_SECURE_URL: 'kafka://127.0.0.1:20041', KAFKA_SECURE_FOLDER: '/run/kafka-secure' },
    {
      RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:20021/?stream=20022&management=20023',
      RABBITMQ_TLS_URL:
        'amqps://guest:guest@127.0.0.1:20026/?stream=20027&management=20028&ca=/run/rabbitmq/tls/ca.pem',
      RABBITMQ_STREAM_URL: 'rabbitmq-stream://guest:guest@127.0.0.1:20022/',
      RABBITMQ_MANAGEMENT_URL: 'http://127.0.0.1:20023',
    },
    {
      RABBITMQ3_URL:
        'amqp://guest:guest@127.0.0.1:20061,127.0.0.1:20071,127.0.0.1:20081/?stream=20062,20072,20082&management=20063,20073,20083',
      RABBITMQ3_TLS_URL:
        'amqps://guest:guest@127.0.0.1:20066,127.0.0.1:20076,127.0.0.1:20086/?stream=20067,20077,20087&management=20068,20078,20088&ca=/run/rabbitmq3-1/tls/all-ca.pem',
    },
    { RABBITMQ_FAULTS_URL: 'amqp://guest:guest@127.0.0.1:20051/?stream=20052&management=20053' },
    { REGISTRY_URL: 'http://127.0.0.1:20031/apis/ccompat/v7' },
  ])
})

test('a pom names exactly what is wanted', () => {
  const pom = renderPom([
    { group: 'a.b', name: 'jar', version: '1' },
    { group: 'a.b', name: 'app', version: '2', type: 'tar.gz', classifier: 'all', alone: true },
  ])
  expect(pom).toContain(
    '<dependency><groupId>a.b</groupId><artifactId>jar</artifactId><version>1</version></dependency>',
  )
  expect(pom).toContain('<type>tar.gz</type><classifier>all</classifier><exclusions>')
})

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_392"', 8],
  ['command not found', undefined],
])('the Java of %s', (output, version) => {
  expect(javaVersion(output)).toBe(version)
})

test('a user of the Debian folder is found by the whole name', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/bash\nrabbit:x:7:8::/:/bin/sh\nrabbitmq:x:101:102::/var/lib/rabbitmq:/bin/sh\n'
  expect(idsOf('rabbitmq', passwd)).toEqual({ uid: 101, gid: 102 })
  expect(() => idsOf('kafka', passwd)).toThrow('has no user kafka')
})

function plans(broker: Broker): readonly NodePlan[] {
  return broker.nodes.map(({ name, ports }) => ({
    name,
    ports: Object.fromEntries(Object.entries(ports).map(([what, offset]) => [what, portAt(0, offset)])),
    folder: `/run/${name}`,
    config: `/run/${name}/${broker.config}`,
    log: `/run/${name}/node.log`,
  }))
}

function settings(properties: string): Readonly<Record<string, string>> {
  const lines = properties.trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
