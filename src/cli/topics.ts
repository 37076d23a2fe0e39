import type { Command } from 'commander'
import { specText } from '../core/topic-spec.ts'
import type { Retention } from '../core/topic.ts'
import { parseCount, readFileArgument } from './argument.ts'
import { confirm } from './confirm.ts'
import { globalsOf, withBroker } from './globals.ts'
import { list, output, printTable } from './output.ts'

export function addTopics(program: Command): void {
  const topics = program.command('topics').description('list, describe, create, widen and delete topics')
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
    .addHelpText(
      'after',
      `
Example: order.avsc holds
  {"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"double"}]}

  drawbridge topics create orders --schema order.avsc --key id --partitions 3
  echo '{"id":"o-1","total":12.5}' | drawbridge produce orders
  drawbridge consume orders --to end`,
    )
    .action((topic: string, options: CreateOptions, command: Command) => createTopic(topic, options, command))
  topics
    .command('widen <topic>')
    .description('add partitions; order of a key holds only from here on')
    .requiredOption('--partitions <n>', 'partitions the topic then has')
    .option('--yes', 'do not ask')
    .action((topic: string, options: WidenOptions, command: Command) => widenTopic(topic, options, command))
  topics
    .command('delete <topic>')
    .description('delete the topic, its records and all groups’ positions on it; its dead-letter topics stay')
    .option('--yes', 'do not ask')
    .action((topic: string, options: { yes?: boolean }, command: Command) => deleteTopic(topic, options, command))
}

interface WidenOptions {
  readonly partitions: string
  readonly yes?: boolean
}

interface CreateOptions {
  readonly schema: string
  readonly partitions?: string
  readonly key?: string
  readonly compact?: boolean
  readonly retentionMs?: string
  readonly retentionBytes?: string
}

async function widenTopic(name: string, options: WidenOptions, command: Command): Promise<void> {
  const partitions = parseCount('--partitions', options.partitions)
  await withBroker(globalsOf(command), async (broker) => {
    const { partitions: now } = await broker.topics.describe(name)
    if (partitions > now) {
      await confirm(
        `widen topic ${name} from ${now} to ${partitions} partitions (keys go elsewhere from then on)`,
        options.yes === true,
      )
    }
    await broker.topics.widen(name, partitions)
  })
  await describeTopic(name, command)
}

async function deleteTopic(name: string, options: { yes?: boolean }, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    const { partitions } = await broker.topics.describe(name)
    const groups = (await broker.groups.list()).filter(({ topic }) => topic === name).map(({ group }) => group)
    const positions = groups.length === 0 ? '' : ` and the positions of ${groups.join(', ')}`
    const size = `${partitions} partition${partitions === 1 ? '' : 's'} of records`
    await confirm(`delete topic ${name}, ${size}${positions}`, options.yes === true)
    await broker.topics.delete(name)
  })
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
    const { partitions, compact, retentionMs, retentionBytes, incarnation, configs, ranges } = described
    const topic = await broker.topic(name)
    const rows = ranges.map(({ first, end }, partition) => ({ partition, first, end }))
    if (globals.json) {
      const settings = { partitions, compact, retentionMs, retentionBytes, incarnation, ...(configs && { configs }) }
      await output.data({ topic: name, ...settings, ranges: rows, schema: topic.value })
      return
    }
    await output.line(`topic ${name}: ${specText(described)}, incarnation ${incarnation}`)
    for (const [key, value] of Object.entries(configs ?? {})) await output.line(`  ${key}=${value}`)
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
