/**
 * Brokers by the names of the command line. `kafka3` is three Kafka nodes that replicate, `kafka-secure` one with TLS and logins;
 * `rabbitmq3` is three RabbitMQ nodes that replicate, `rabbitmq-faults` one for tests that break it.
 */
export const BROKER_NAMES = [
  'kafka',
  'kafka3',
  'kafka-secure',
  'rabbitmq',
  'rabbitmq3',
  'rabbitmq-faults',
  'registry',
] as const
export type BrokerName = (typeof BROKER_NAMES)[number]

/** A node before it runs: what `prepare` and `command` need to know. */
export interface NodePlan {
  readonly name: string
  /** Port numbers by what they serve; all on 127.0.0.1. */
  readonly ports: Readonly<Record<string, number>>
  /** Holds the node's config, data and log, and nothing of another node. */
  readonly folder: string
  readonly config: string
  readonly log: string
}

/** What to run for a node. It must stay in the foreground. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** What is particular to one broker; starting, watching and ending its nodes is the same for all (nodes.ts). */
export interface Broker {
  readonly name: BrokerName
  /** Its nodes with the offsets of their ports in a slot (ports.ts), which no two brokers share; nodes of one may. */
  readonly nodes: readonly { readonly name: string; readonly ports: Readonly<Record<string, number>> }[]
  /** The name of the config file in a node's folder. */
  readonly config: string
  /** Brings the software into the cache, once. Called under the lock of the cache. */
  install(note: Note): Promise<void>
  /** Fills the nodes' new empty folders: config, formatted data. */
  prepare(nodes: readonly NodePlan[]): Promise<void>
  command(node: NodePlan): Command
  /** Resolves when the node serves clients and knows the `peers` (itself among them); rejects with the reason while not. */
  probe(node: NodePlan, peers: readonly NodePlan[]): Promise<void>
  /** Environment variables by which tests find it. */
  variables(nodes: readonly NodePlan[]): Readonly<Record<string, string>>
}

/** Tells people what goes on; standard output is for variables alone. */
export type Note = (text: string) => void

export function portOf(node: NodePlan, what: string): number {
  const port = node.ports[what]
  if (port === undefined) throw new Error(`node ${node.name} has no port named ${what}`)
  return port
}
