import type { Command } from 'commander'
import { specText } from '../core/topic-spec.ts'
import type { Retention } from '../core/topic.ts'
import { parseCount, readFileArgument } from './argument.ts'
import { globalsOf, withBroker } from './globals.ts'
import { list, output, printTable } from './output.ts'

export function addTopics(program: Command): void {
  const topics = program.command('topics').description('list, describe and create topics')
  topics
    .command('list')
    .description('names of all topics')
    .action((_options: object, command: Command) => listTopics(command))
  topics
    .command('describe <topic>')
    .description('partitions with their offsets, key and schema')
    .action((topic: string, _options: object, command: Command) => describeTopic(topic, command))
  topics
    .command('create <topic>')
    .description('create a topic and register its schema; the same again changes nothing')
    .requiredOption('--schema <file>', 'Avro schema (.avsc) of the values')
    .option('--partitions <n>', 'partitions of a new topic (default 1)')
    .option('--key <field>', 'field of the value that is the record key (kept in the schema as drawbridge.key)')
    .option('--compact', 'keep the newest record of each key for ever; older ones may go')
    .option('--retention-ms <n>', 'records older than this may go (default: none goes for its age)')
    .option('--retention-bytes <n>', 'the oldest may go when a partition has more (default: none goes for size)')
    .action((topic: string, options: CreateOptions, command: Command) => createTopic(topic, options, command))
  topics
    .command('widen <topic>')
    .description('add partitions; order of a key holds only from here on')
    .requiredOption('--partitions <n>', 'partitions the topic then has')
    .action((topic: string, options: { partitions: string }, command: Command) => widenTopic(topic, options, command))
  topics
    .command('delete <topic>')
    .description('delete the topic, its records and all groups’ positions on it')
    .action((topic: string, _options: object, command: Command) => deleteTopic(topic, command))
}

interface CreateOptions {
  readonly schema: string
  readonly partitions?: string
  readonly key?: string
  readonly compact?: boolean
  readonly retentionMs?: string
  readonly retentionBytes?: string
}

async function widenTopic(name: string, options: { partitions: string }, command: Command): Promise<void> {
  const partitions = parseCount('--partitions', options.partitions)
  await withBroker(globalsOf(command), (broker) => broker.topics.widen(name, partitions))
  await describeTopic(name, command)
}

async function deleteTopic(name: string, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, (broker) => broker.topics.delete(name))
  if (globals.json) await output.data({ deleted: { topic: name } })
  else await output.line(`deleted topic ${name}`)
}

async function listTopics(command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    const names = await broker.topics.list()
    await list(
      globals,
      names.map((topic) => ({ topic })),
      ['topic'],
    )
    if (names.length === 0 && !globals.json) output.note('no topics yet; `drawbridge topics create` makes one')
  })
}

async function describeTopic(name: string, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    const described = await broker.topics.describe(name)
    const { partitions, compact, retentionMs, retentionBytes, incarnation, ranges } = described
    const topic = await broker.topic(name)
    const rows = ranges.map(({ first, end }, partition) => ({ partition, first, end }))
    if (globals.json) {
      const settings = { partitions, compact, retentionMs, retentionBytes, incarnation }
      await output.data({ topic: name, ...settings, ranges: rows, schema: topic.value })
      return
    }
    await output.line(`topic ${name}: ${specText(described)}, incarnation ${incarnation}`)
    await printTable(rows, ['partition', 'first', 'end'])
    await output.line(`schema ${JSON.stringify(topic.value, null, 2)}`)
  })
}

async function createTopic(name: string, options: CreateOptions, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { parseTopic } = await import('./topic-argument.ts')
  const topic = parseTopic({
    name,
    schemaText: await readFileArgument('--schema', options.schema),
    schemaFile: options.schema,
    partitions: options.partitions === undefined ? undefined : parseCount('--partitions', options.partitions),
    key: options.key,
    compact: options.compact === true,
    retention: retentionOf(options),
  })
  await withBroker(globals, async (broker) => {
    await broker.declare(topic)
    const described = await broker.topics.describe(name)
    const { partitions, compact, retentionMs, retentionBytes } = described
    if (globals.json) await output.data({ topic: name, partitions, compact, retentionMs, retentionBytes })
    else output.note(`topic ${name} is there, with ${specText(described)}`)
  })
}

/** Undefined where neither bound is given: a topic that exists keeps its own. */
function retentionOf({ retentionMs, retentionBytes }: CreateOptions): Retention | undefined {
  if (retentionMs === undefined && retentionBytes === undefined) return undefined
  return {
    ms: retentionMs === undefined ? null : parseCount('--retention-ms', retentionMs),
    bytes: retentionBytes === undefined ? null : parseCount('--retention-bytes', retentionBytes),
  }
}
