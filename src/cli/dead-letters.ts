import type { Command } from 'commander'
import { DrawbridgeError, hasCode } from '../core/errors.ts'
import { type Letter, listDeadLetterTopics, readLetters, type StoredLetter } from '../core/letter-reader.ts'
import { deadLetterTopic } from '../core/topic.ts'
import type { OpenBroker } from '../open-broker.ts'
import { parseRecordPlace } from './argument.ts'
import { type Globals, globalsOf, withBroker } from './globals.ts'
import { list, output, printable } from './output.ts'
import { createProgress } from './progress.ts'
import { watchInterruption } from './signals.ts'

export function addDeadLetters(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('records that could not be handled, kept with their bytes and the cause in TOPIC.GROUP.dead')
  letters
    .command('list [topic]')
    .description('dead-letter topics and how many letters each has; with a topic and a group the letters themselves')
    .option('--group <group>', 'only letters of this group')
    .action((topic: string | undefined, options: { group?: string }, command: Command) =>
      topic !== undefined && options.group !== undefined
        ? listLetters(topic, options.group, command)
        : listTopics({ topic, group: options.group }, command),
    )
  letters
    .command('show <topic> <place>')
    .description('all of one letter: cause, headers, key, and the value by the topic’s schema where it can be read')
    .requiredOption('--group <group>', 'the group that could not handle it')
    .addHelpText(
      'after',
      '\nPLACE is PARTITION:OFFSET of the record in its topic, as `dead-letters list` and the log say it.',
    )
    .action((topic: string, place: string, options: { group: string }, command: Command) =>
      showLetter(topic, options.group, place, command),
    )
}

async function listTopics(filter: { topic?: string | undefined; group?: string | undefined }, command: Command) {
  const globals = globalsOf(command)
  const interruption = watchInterruption()
  const progress = createProgress()
  await withBroker(globals, async ({ backend }) => {
    const rows: object[] = []
    const options = {
      signal: interruption.signal,
      onCounted: (letters: number) => progress.show(`${letters} letters read`),
    }
    try {
      for await (const row of listDeadLetterTopics(backend, filter, options)) {
        if (globals.json) await output.data(row)
        else rows.push(row)
      }
    } catch (error) {
      if (!interruption.signal.aborted || !hasCode(error, 'ERR_ABORTED')) throw error
    } finally {
      progress.clear()
    }
    if (!globals.json) await list(globals, rows, ['topic', 'group', 'letters', 'newest', 'deadLetterTopic'])
    if (rows.length === 0 && !globals.json) output.note('no dead letters')
  })
  process.exitCode = interruption.exitCode()
}

/** Letters whose id is remembered, to tell repeats; older ones are forgotten. */
const MAX_REMEMBERED = 100_000

async function listLetters(topic: string, group: string, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const interruption = watchInterruption()
  const name = deadLetterTopic(topic, group)
  await withBroker(globals, async (broker) => {
    const { summaryOf } = await import('./letter-view.ts')
    const seen = new Set<string>()
    let listed = 0
    try {
      for await (const stored of lettersOf(broker, topic, group, { signal: interruption.signal })) {
        const repeat = stored.letter !== null && seen.has(stored.letter.id)
        if (stored.letter !== null) remember(seen, stored.letter.id)
        const summary = summaryOf(stored, name)
        if (listed++ === 0 && !globals.json) await output.line(row('place', 'failed at', 'attempts', 'code', 'cause'))
        const printed = globals.json ? output.data({ ...summary, repeat }) : output.line(lineOf(stored, repeat))
        if (!(await printed)) return
      }
    } catch (error) {
      if (!interruption.signal.aborted || !hasCode(error, 'ERR_ABORTED')) throw error
    }
    if (listed === 0 && !globals.json) output.note(`no dead letters of group ${group} on topic ${topic}`)
  })
  process.exitCode = interruption.exitCode()
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id)
  const [oldest] = seen
  if (seen.size > MAX_REMEMBERED && oldest !== undefined) seen.delete(oldest)
}

function lineOf({ partition, offset, letter }: StoredLetter, repeat: boolean): string {
  if (letter === null) return row('-', '-', '-', '-', `no letter of ours; it stands at ${partition}:${offset} there`)
  const { source, failedAt, attempts, code, cause } = letter
  const place = `${source.partition}:${source.offset}`
  return row(place, failedAt, String(attempts), code, `${cause.split('\n', 1)[0]}${repeat ? ' (written again)' : ''}`)
}

/** Letters are printed as they are read, so that columns have a width of their own. */
function row(place: string, failedAt: string, attempts: string, code: string, cause: string): string {
  return printable(
    [place.padEnd(12), failedAt.padEnd(24), attempts.padStart(8), code.padEnd(20), cause].join('  ').trimEnd(),
  )
}

/** Letters of the group; none where no letter was ever written. ERR_TOPIC_UNKNOWN where the source is not there either. */
async function* lettersOf(
  { backend }: OpenBroker,
  topic: string,
  group: string,
  options: Parameters<typeof readLetters>[2],
): AsyncGenerator<StoredLetter> {
  try {
    yield* readLetters(backend, deadLetterTopic(topic, group), options)
  } catch (error) {
    if (!hasCode(error, 'ERR_TOPIC_UNKNOWN')) throw error
    await backend.describeTopic(topic)
  }
}

async function showLetter(topic: string, group: string, place: string, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { partition, offset } = parseRecordPlace('place', place)
  await withBroker(globals, async (broker) => {
    let found: { readonly stored: StoredLetter; readonly letter: Letter } | undefined
    let times = 0
    for await (const stored of lettersOf(broker, topic, group, { partition })) {
      const { letter } = stored
      if (letter?.source.offset !== offset || letter.source.partition !== partition) continue
      found = { stored, letter }
      times++
    }
    if (found === undefined) {
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `group ${group} has no letter of record ${place} of topic ${topic}; drawbridge dead-letters list ${topic} --group ${group} shows those there are`,
      )
    }
    await print(broker, globals, found, times)
  })
}

async function print(
  broker: OpenBroker,
  globals: Globals,
  { stored, letter }: { readonly stored: StoredLetter; readonly letter: Letter },
  times: number,
): Promise<void> {
  const { summaryOf, viewOf } = await import('./letter-view.ts')
  const view = await viewOf(broker, letter)
  const { topic, incarnation } = letter.source
  if (globals.json) {
    const { appendedAt } = letter.source
    const timestamp = new Date(letter.timestamp).toISOString()
    const summary = summaryOf(stored, deadLetterTopic(topic, letter.group))
    await output.data({ ...summary, cause: letter.cause, times, timestamp, appendedAt, ...view })
    return
  }
  const lines = [
    ['record', `${topic} ${letter.source.partition}:${letter.source.offset}`],
    ...(view.sourceIsThere
      ? []
      : [['', `of an earlier life of the topic (${incarnation}); the place now means another record`]]),
    ['appended', letter.source.appendedAt],
    ['group', letter.group],
    [
      'failed',
      `${letter.failedAt}, after ${letter.attempts} attempt${letter.attempts === 1 ? '' : 's'}, ${letter.code}`,
    ],
    ...letter.cause.split('\n').map((line, index) => [index === 0 ? 'cause' : '', line]),
    [
      'letter',
      `${deadLetterTopic(topic, letter.group)} ${stored.partition}:${stored.offset}${times > 1 ? `, the last of ${times}` : ''}`,
    ],
    ['key', view.key === null ? '-' : typeof view.key === 'string' ? view.key : JSON.stringify(view.key)],
    ...view.headers.map(([name, value], index) => [index === 0 ? 'headers' : '', `${name}: ${JSON.stringify(value)}`]),
    ...(view.undecoded === undefined ? [] : [['undecoded', view.undecoded]]),
    ...JSON.stringify(view.value, null, 2)
      .split('\n')
      .map((line, index) => [index === 0 ? 'value' : '', line]),
  ]
  for (const [name = '', text = ''] of lines) await output.line(printable(`${name.padEnd(10)}${text}`).trimEnd())
}
