import { type Command, Option } from 'commander'
import type { Broker, PartitionRange, ReplayOptions } from '../core/broker.ts'
import { DrawbridgeError } from '../core/errors.ts'
import { parseFrom, parseTo, PLACES } from './argument.ts'
import { type Globals, globalsOf, withBroker } from './globals.ts'
import { list, output } from './output.ts'
import { createProgress } from './progress.ts'
import { watchInterruption } from './signals.ts'

export function addReplay(program: Command): void {
  program
    .command('replay <topic>')
    .description('handle history again: print a range, or make a side group handle exactly that range')
    .requiredOption(
      '--from <position>',
      `where to begin: earliest, ${PLACES}. Partitions not named begin at their beginning`,
    )
    .option('--to <position>', `where to end, exclusive: end (default), ${PLACES}. Partitions not named are left out`)
    .option(
      '--into-group <group>',
      'position this idle group at the beginning of the range; whoever consumes it handles the range and then ends by itself. Other groups stay where they are',
    )
    .option('--dry-run', 'say per partition from, to and how many records that is; nothing is printed or changed')
    .addOption(new Option('--connector <name>').hideHelp())
    .addOption(new Option('--rate <n>').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  drawbridge replay shop.orders --from 2026-11-01 --to 2026-11-02
  drawbridge replay shop.orders --from earliest --into-group billing-again --dry-run
  drawbridge replay shop.orders --from earliest --into-group billing-again
  drawbridge consume shop.orders --group billing-again`,
    )
    .action((topic: string, options: ReplayArguments, command: Command) => replay(topic, options, command))
}

interface ReplayArguments {
  readonly from: string
  readonly to?: string
  readonly intoGroup?: string
  readonly dryRun?: boolean
  readonly connector?: string
  readonly rate?: string
}

async function replay(topic: string, options: ReplayArguments, command: Command): Promise<void> {
  if (options.connector !== undefined || options.rate !== undefined) {
    throw new DrawbridgeError(
      'ERR_UNSUPPORTED',
      'replay into a connector (--connector, --rate) is not there yet; use --into-group and consume that group, or leave both out to print the range',
    )
  }
  const globals = globalsOf(command)
  const range = {
    from: parseFrom('--from', options.from),
    to: options.to === undefined ? 'end' : parseTo('--to', options.to),
  } as const
  const interruption = watchInterruption()
  const work = { topic, range, globals, signal: interruption.signal }
  await withBroker(globals, async (broker) => {
    if (options.dryRun === true) await showPlan(broker, work, options.intoGroup)
    else if (options.intoGroup !== undefined) await intoGroup(broker, work, options.intoGroup)
    else await intoReader(broker, work)
  })
  process.exitCode = interruption.exitCode()
}

interface Work {
  readonly topic: string
  readonly range: ReplayOptions
  readonly globals: Globals
  readonly signal: AbortSignal
}

async function intoReader(broker: Broker, { topic: name, range, globals, signal }: Work): Promise<void> {
  const { printerOf, printRange } = await import('./print-messages.ts')
  const topic = await broker.topic(name)
  await printRange(broker, topic, { ...range, limit: Infinity, print: await printerOf(topic, globals), signal })
}

async function intoGroup(broker: Broker, { topic, range, globals }: Work, group: string): Promise<void> {
  const ranges = await broker.groups.replay(group, topic, range)
  await showRanges(globals, topic, group, ranges)
  if (globals.json) return
  output.note(`group ${group} is to handle this range; whoever consumes it ends there by itself:`)
  output.note(`  drawbridge consume ${topic} --group ${group}`)
}

async function showPlan(broker: Broker, work: Work, group: string | undefined): Promise<void> {
  const { topic, range, globals, signal } = work
  const planned = group === undefined ? undefined : await broker.groups.replay(group, topic, { ...range, dryRun: true })
  const progress = createProgress()
  const counted = await broker.topics
    .count(topic, {
      ...(planned === undefined ? range : offsetsOf(planned)),
      signal,
      onCounted: (records) => progress.show(`${records} records counted`),
    })
    .catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    .finally(() => progress.clear())
  if (counted === undefined) return
  await showRanges(globals, topic, group, counted)
  if (globals.json) return
  const records = counted.reduce((sum, { records }) => sum + records, 0)
  output.note(`${records} record${records === 1 ? '' : 's'} in the range; nothing was changed`)
}

function offsetsOf(ranges: readonly PartitionRange[]) {
  return {
    from: { offsets: Object.fromEntries(ranges.map(({ partition, from }) => [partition, from])) },
    to: { offsets: Object.fromEntries(ranges.map(({ partition, to }) => [partition, to])) },
  }
}

async function showRanges(
  globals: Globals,
  topic: string,
  group: string | undefined,
  ranges: readonly (PartitionRange & { readonly records?: number })[],
): Promise<void> {
  const rows = globals.json
    ? ranges.map((range) => ({ topic, ...(group === undefined ? {} : { group }), ...range }))
    : ranges
  const counted = ranges.some(({ records }) => records !== undefined)
  await list(globals, rows, ['partition', 'from', 'to', ...(counted ? ['records'] : [])])
}
