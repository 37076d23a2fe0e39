import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, type BrokerName, type Command, type Note, type NodePlan, portOf } from './broker.ts'
import { entryFolder, fillEntry } from './cache.ts'
import { KAFKA_LOGGING, renderKafkaConfig } from './kafka-config.ts'
import { readMetadata } from './kafka-metadata.ts'
import { type Artifact, resolveArtifacts } from './maven.ts'
import { needTools, runTool } from './tools.ts'

/** All of one version; kafka-tools is the one that formats. Their poms lack only a binding for slf4j. */
const VERSION = '4.3.1'
const ENTRY = `kafka-${VERSION}`
/** Class path of Apache Kafka with its tools and its Java client, once a Kafka of any clone was brought up here. */
export const KAFKA_CLASS_PATH = join(entryFolder(ENTRY), '*')
const ARTIFACTS: readonly Artifact[] = [
  { group: 'org.apache.kafka', name: 'kafka_2.13', version: VERSION },
  { group: 'org.apache.kafka', name: 'kafka-tools', version: VERSION },
  { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.3' },
]

const SINGLE_NODE = ['-Xmx512m']
/** One of several, which is started again and again and measured by nobody: half the work of a start is compiling. */
const FAULTY_NODE = ['-Xmx384m', '-XX:TieredStopAtLevel=1']

export const kafka: Broker = createKafka({
  name: 'kafka',
  nodes: [{ name: 'kafka', ports: { client: 1, controller: 2 } }],
  variable: 'KAFKA_URL',
})

export const kafka3: Broker = createKafka({
  name: 'kafka3',
  nodes: [
    { name: 'kafka3-1', ports: { client: 11, controller: 14 } },
    { name: 'kafka3-2', ports: { client: 12, controller: 15 } },
    { name: 'kafka3-3', ports: { client: 13, controller: 16 } },
  ],
  variable: 'KAFKA3_URL',
})

export function createKafka(parts: {
  readonly name: BrokerName
  readonly nodes: Broker['nodes']
  readonly variable: string
  /** What this one's configuration has beside every other's, and the options of its formatting. */
  readonly more?: (node: NodePlan) => Promise<{
    readonly config: Readonly<Record<string, string>>
    readonly format: readonly string[]
  }>
}): Broker {
  const { name, nodes, variable, more = async () => ({ config: {}, format: [] }) } = parts
  return {
    name,
    nodes,
    config: 'server.properties',
    install,
    prepare,
    command: (node) => java(node, nodes.length > 1 ? FAULTY_NODE : SINGLE_NODE, 'kafka.Kafka', node.config),
    probe,
    variables: (nodes) => ({
      [variable]: `kafka://${nodes.map((node) => `127.0.0.1:${portOf(node, 'client')}`).join(',')}`,
    }),
  }

  async function prepare(plans: readonly NodePlan[]): Promise<void> {
    const cluster = clusterId()
    const standalone = plans.length === 1 ? ['--standalone'] : []
    await Promise.all(
      plans.map(async (node, index) => {
        const own = await more(node)
        await writeFile(node.config, renderKafkaConfig(plans, index, own.config))
        await writeFile(loggingFile(node), KAFKA_LOGGING)
        const args = ['format', '-t', cluster, ...standalone, ...own.format, '-c', node.config]
        const format = java(node, ['-Xmx128m', '-XX:TieredStopAtLevel=1'], 'kafka.tools.StorageTool', ...args)
        await runTool(format.file, format.args, node.log)
      }),
    )
  }
}

async function install(note: Note): Promise<void> {
  const log = `${entryFolder(ENTRY)}.log`
  await fillEntry(ENTRY, async (folder) => {
    await needTools(['java', 'mvn'], log, note)
    note(`getting Apache Kafka ${VERSION} with maven: about half a minute (${log})`)
    await resolveArtifacts(ARTIFACTS, 'copy', folder, log)
  })
  await needTools(['java'], log, note)
}

async function probe(node: NodePlan, peers: readonly NodePlan[]): Promise<void> {
  const { brokers, controller } = await readMetadata(portOf(node, 'client'))
  const missing = peers.filter((peer) => !brokers.some((broker) => broker.port === portOf(peer, 'client')))
  if (missing.length > 0)
    throw new Error(`${node.name} does not know ${missing.map((peer) => peer.name).join(', ')} yet`)
  if (controller < 0) throw new Error(`${node.name} knows no controller yet`)
}

function java(node: NodePlan, options: readonly string[], main: string, ...args: readonly string[]): Command {
  const logging = `-Dlog4j2.configurationFile=file:${loggingFile(node)}`
  return {
    file: 'java',
    args: [...options, '-XX:+UseSerialGC', logging, '-cp', KAFKA_CLASS_PATH, main, ...args],
  }
}

function loggingFile(node: NodePlan): string {
  return join(node.folder, 'log4j2.properties')
}

/** Sixteen random bytes; a leading dash would be read as an option. */
function clusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A')
}
