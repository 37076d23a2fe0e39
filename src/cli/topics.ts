import type { Command } from 'commander'
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
    .action((topic: string, options: CreateOptions, command: Command) => createTopic(topic, options, command))
}

interface CreateOptions {
  readonly schema: string
  readonly partitions?: string
  readonly key?: string
  readonly compact?: boolean
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
    const { partitions, compact, incarnation, ranges } = await broker.topics.describe(name)
    const topic = await broker.topic(name)
    const rows = ranges.map(({ first, end }, partition) => ({ partition, first, end }))
    if (globals.json) {
      await output.data({ topic: name, partitions, compact, incarnation, ranges: rows, schema: topic.value })
      return
    }
    await output.line(
      `topic ${name}: ${partitions} partition${partitions === 1 ? '' : 's'}${compact ? ', compact' : ''}, incarnation ${incarnation}`,
    )
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
  })
  await withBroker(globals, async (broker) => {
    await broker.declare(topic)
    const { partitions, compact } = await broker.topics.describe(name)
    if (globals.json) await output.data({ topic: name, partitions, compact })
    else output.note(`topic ${name} is there, with ${partitions} partition${partitions === 1 ? '' : 's'}`)
  })
}
