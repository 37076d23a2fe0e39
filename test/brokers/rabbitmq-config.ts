import { type NodePlan, portOf } from './broker.ts'

export const RABBITMQ_PLUGINS = '[rabbitmq_stream,rabbitmq_stream_management,rabbitmq_management].\n'

/** Serves with TLS, too, by the files of test/kit/test-ca.ts in the node's folder `tls`; a client may show a certificate. */
export function renderRabbitmqConfig(node: NodePlan, inside: (file: string) => string): string {
  const certificates = (prefix: string) => `${prefix}.cacertfile = ${inside('tls/ca.pem')}
${prefix}.certfile = ${inside('tls/server.pem')}
${prefix}.keyfile = ${inside('tls/server.key')}
${prefix}.verify = verify_peer
${prefix}.fail_if_no_peer_cert = false`
  return `listeners.tcp.1 = 127.0.0.1:${portOf(node, 'amqp')}
stream.listeners.tcp.1 = 127.0.0.1:${portOf(node, 'stream')}
stream.advertised_host = 127.0.0.1
stream.advertised_port = ${portOf(node, 'stream')}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${portOf(node, 'management')}
listeners.ssl.1 = 127.0.0.1:${portOf(node, 'amqpTls')}
stream.listeners.ssl.1 = 127.0.0.1:${portOf(node, 'streamTls')}
stream.advertised_tls_port = ${portOf(node, 'streamTls')}
management.ssl.ip = 127.0.0.1
management.ssl.port = ${portOf(node, 'managementTls')}
${certificates('ssl_options')}
${certificates('management.ssl')}
`
}

/** For a node that finds the others by their names, of one majority. Management tells soon which copies work: 5 s by default. */
export function renderRabbitmqCluster(nodes: readonly NodePlan[]): string {
  const peers = nodes.map((node, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${erlangName(node)}`)
  return `cluster_formation.peer_discovery_backend = classic_config
cluster_formation.target_cluster_size_hint = ${nodes.length}
cluster_partition_handling = pause_minority
collect_statistics_interval = 1000
${peers.join('\n')}
`
}

export function erlangName(node: Pick<NodePlan, 'name'>): string {
  return `${node.name}@localhost`
}

/** What RabbitMQ takes from its environment; `inside` gives the path of one of the node's files as RabbitMQ sees it. */
export function rabbitmqEnvironment(
  node: NodePlan,
  inside: (file: string) => string,
  erlang = '',
): Readonly<Record<string, string>> {
  return {
    // Its own node name and epmd, so that it meets no other RabbitMQ of the machine.
    RABBITMQ_NODENAME: erlangName(node),
    RABBITMQ_DIST_PORT: String(portOf(node, 'distribution')),
    ERL_EPMD_PORT: String(portOf(node, 'epmd')),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${erlang}`.trimEnd(),
    RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
    RABBITMQ_MNESIA_BASE: inside('data'),
    RABBITMQ_LOG_BASE: inside('data'),
    RABBITMQ_LOGS: '-',
    // Makes the start script become the server instead of waiting for it, so that signals reach the server alone.
    RUNNING_UNDER_SYSTEMD: '1',
  }
}
