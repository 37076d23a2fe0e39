import type { Command } from 'commander'
import type { Broker } from '../core/broker.ts'
import { DrawbridgeError } from '../core/errors.ts'
import type { Topic } from '../core/topic.ts'
import { parseCount, parseFrom, parseTo, PLACES } from './argument.ts'
import { globalsOf, withBroker } from './globals.ts'
import { output } from './output.ts'
import { type Print, printerOf, printRange } from './print-messages.ts'
import { watchInterruption } from './signals.ts'

export function addConsume(program: Command): void {
  program
    .command('consume <topic>')
    .description('print records, one a line; without --to and --limit it waits for new ones')
    .option(
      '--group <group>',
      'as a member of this group: what was printed is committed. Without a group nothing is remembered',
    )
    .option(
      '--from <position>',
      `where to begin: earliest (default), latest, ${PLACES}. With a group: where a new group begins`,
    )
    .option('--to <position>', `where to end, exclusive, without a group: end, ${PLACES}`)
    .option('--limit <n>', 'end after so many records; a group has then committed exactly these')
    .addHelpText(
      'after',
      `
A line is PARTITION:OFFSET, time, key, value and headers; with --json it is what \`produce --envelope\` reads. SIGINT and SIGTERM end it in order:
a group has then committed exactly what was printed. A record that cannot be decoded ends a read with exit code 70; for a
group it becomes a dead letter (\`drawbridge dead-letters\`).

Examples:
  drawbridge consume orders --to end                     all there is now
  drawbridge consume orders --from latest                what comes from now on
  drawbridge consume orders --from 0:100 --to 0:200      a range of partition 0
  drawbridge consume orders --group me --limit 10        the next ten of group me`,
    )
    .action((topic: string, options: ConsumeOptions, command: Command) => consume(topic, options, command))
}

interface ConsumeOptions {
  readonly group?: string
  readonly from?: string
  readonly to?: string
  readonly limit?: string
}

async function consume(name: string, options: ConsumeOptions, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const from = options.from === undefined ? {} : { from: parseFrom('--from', options.from) }
  const to = options.to === undefined ? {} : { to: parseTo('--to', options.to) }
  const limit = options.limit === undefined ? Infinity : parseCount('--limit', options.limit)
  const { group } = options
  if (group !== undefined && options.to !== undefined) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      '--to is for reading without a group; end a group with --limit, or give it a range with drawbridge replay --into-group',
    )
  }
  const interruption = watchInterruption()
  await withBroker(globals, async (broker) => {
    const topic = await broker.topic(name)
    const print = await printerOf(topic, globals)
    if (group === undefined)
      await printRange(broker, topic, { ...from, ...to, limit, print, signal: interruption.signal })
    else {
      const endedByItself = await join(broker, topic, { ...from, group, limit, print, signal: interruption.signal })
      if (endedByItself && !globals.json)
        output.note(`group ${group} has come to the end of its replay on topic ${topic.name}`)
    }
  })
  process.exitCode = interruption.exitCode()
}

/**
 * Prints as a group's member, one record at a time. The handler of the last one asks for the stop itself, so that no other
 * begins: the group has committed what was printed, and nothing else. Resolves to true when the group's replay ended it.
 */
async function join(
  broker: Broker,
  topic: Topic<unknown>,
  options: {
    from?: ReturnType<typeof parseFrom>
    group: string
    limit: number
    print: Print
    signal: AbortSignal
  },
): Promise<boolean> {
  const { group, limit, print, signal } = options
  let printed = 0
  let stopped: Promise<void> | undefined
  const stop = async () => {
    const { stop } = await joining
    stopped ??= stop()
  }
  const joining = broker.subscribe(
    topic,
    { group, concurrency: 1, ...(options.from === undefined ? {} : { from: options.from }) },
    async (message) => {
      const read = await print(message)
      if (!read || ++printed >= limit) await stop()
      if (!read) throw new DrawbridgeError('ERR_ABORTED', 'not printed: the reader of the output has gone')
    },
  )
  const { done } = await joining
  signal.addEventListener('abort', () => void stop(), { once: true })
  if (signal.aborted) await stop()
  await done
  await stopped
  return stopped === undefined
}
