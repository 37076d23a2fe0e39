import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect } from '../open-broker.ts'
import { compareRows, readFolder, readRows, rowText } from './demo/compare.ts'
import { runPipeline } from './demo/pipeline.ts'
import { openReceiver } from './demo/receiver.ts'
import { replaySecondHalf } from './demo/replay.ts'
import { createSetup, type DemoSetup, writeConfig } from './demo/setup.ts'
import { output, table } from './output.ts'
import { watchInterruption } from './signals.ts'

export interface DemoOptions {
  /** A broker to run on; an embedded store of its own if absent. */
  readonly broker?: string
  readonly json: boolean
}

const PARTITIONS = 3

/**
 * The main job, on real data: airports.csv through file-source into a typed topic, out through webhook-sink and
 * file-sink; the webhook sink is killed half-way, and the second half of the topic is replayed into a side group.
 * Resolves to the exit code: 0 only if nothing was lost and the rows written equal the source's, field for field.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = watchInterruption()
  const setup = createSetup()
  const brokerUrl = options.broker ?? `embedded:${setup.directory}/store`
  const say = options.json ? () => undefined : (text: string) => output.note(`  ${text}`)
  if (!options.json) output.note(`Drawbridge: airports.csv -> typed topic ${setup.topic} -> webhook and batch files\n`)
  const figures = await run(setup, brokerUrl, interruption.signal, say)
  if (interruption.signal.aborted) {
    output.note(`interrupted; what the demo wrote is in ${setup.directory}`)
    return interruption.exitCode()
  }
  await report(figures, options.json)
  const sound = figures.lost === 0 && figures.rowsDiffering === 0 && figures.kills === 1
  if (sound) rmSync(setup.directory, { recursive: true, force: true })
  else output.note(`something is wrong; what the demo wrote is kept in ${setup.directory}`)
  return sound ? 0 : 1
}

interface Figures {
  readonly rowsRead: number
  readonly records: number
  readonly deliveriesDistinct: number
  readonly deliveriesRepeated: number
  readonly rowsWritten: number
  /** Rows in the files that are not in the source, or stand there more often. */
  readonly rowsDiffering: number
  readonly replayed: number
  readonly kills: number
  readonly seconds: number
  /** Rows of the source that did not reach the webhook or the files, and records that the replay did not bring. */
  readonly lost: number
}

async function run(
  setup: DemoSetup,
  brokerUrl: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Figures> {
  const begun = Date.now()
  const source = readRows(setup.source)
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const receiver = await openReceiver(secret)
  try {
    const config = writeConfig(setup, { partitions: PARTITIONS, webhookUrl: receiver.url, secret })
    const kills = await runPipeline({ setup, config, brokerUrl, rows: source.length, receiver, signal, say })

    await using broker = await connect(brokerUrl)
    const counted = await broker.topics.count(setup.topic, { signal })
    const records = counted.reduce((sum, partition) => sum + partition.records, 0)
    const replayed = await replaySecondHalf(broker, setup.topic, `${setup.topic}.replay`, signal)
    say(
      `replayed from offsets ${replayed.from.join(', ')} of partitions 0 to ${PARTITIONS - 1} into a side group: ${replayed.handled} of ${replayed.expected} records`,
    )

    const written = readFolder(setup.outbox)
    const files = compareRows(source, written)
    const webhook = compareRows(
      source,
      [...receiver.received.values()].map((data) => rowText(data as Record<string, unknown>)),
    )
    return {
      rowsRead: source.length,
      records,
      deliveriesDistinct: receiver.received.size,
      deliveriesRepeated: receiver.deliveries() - receiver.received.size,
      rowsWritten: written.length,
      rowsDiffering: files.extra,
      replayed: replayed.handled,
      kills,
      seconds: (Date.now() - begun) / 1000,
      lost: files.missing + webhook.missing + (replayed.expected - replayed.handled),
    }
  } finally {
    await receiver.close()
  }
}

async function report(figures: Figures, json: boolean): Promise<void> {
  if (json) {
    await output.data(figures)
    return
  }
  const rows = [
    ['rows read from airports.csv', figures.rowsRead],
    ['records in the topic', figures.records],
    ['distinct webhook deliveries', figures.deliveriesDistinct],
    ['repeated webhook deliveries (after the kill)', figures.deliveriesRepeated],
    ['rows written to batch files', figures.rowsWritten],
    ['rows written that differ from the source', figures.rowsDiffering],
    ['records replayed into a side group', figures.replayed],
    ['lost', figures.lost],
  ] as const
  output.note('')
  for (const line of table(
    ['what', 'count'],
    rows.map(([what, count]) => ({ what, count })),
  ))
    await output.line(line)
  await output.line(`\nlost ${figures.lost} (${figures.seconds.toFixed(1)} s)`)
}
