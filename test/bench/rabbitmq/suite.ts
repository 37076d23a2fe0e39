import { errorText } from '../../../src/core/errors.ts'
import { type Figure, figure, type Measured, middle } from '../figure.ts'
import { runSide, startSide } from '../side.ts'
import { RATE, type Work } from './side-arguments.ts'

const SUITE = 'rabbitmq'
const ROUNDS = 3
const LATENCIES = 10_000
/** A raw client that hangs is ended; the rounds it finished count, and standard error says how many. */
const SIDE_LIMIT_MS = 120_000
/** Records of the quick sides, and of amqplib, which would need minutes for as many. */
const SIZES = [
  { bytes: 200, label: '200 B', records: 500_000, amqpRecords: 100_000 },
  { bytes: 1_024, label: '1 KiB', records: 200_000, amqpRecords: 30_000 },
] as const
const STREAM = 'rabbitmq-stream-js-client + avsc'
const AMQP = 'amqplib + avsc on one stream'
const RAW = { stream: 'raw-stream', amqp: 'raw-amqp' } as const

type Size = (typeof SIZES)[number]
type Report = (figure: Figure) => void
interface Broker {
  readonly url: string
  readonly streamUrl: string
}

/** Each side is a process of its own; the sides take turns, and of three rounds the median counts. Broker: RABBITMQ_URL. */
export async function run(report: Report): Promise<void> {
  const { RABBITMQ_URL: url, RABBITMQ_STREAM_URL: streamUrl } = process.env
  if (url === undefined || streamUrl === undefined)
    throw new Error(
      'RABBITMQ_URL and RABBITMQ_STREAM_URL are not set: start a broker with `npm run brokers -- up rabbitmq`',
    )
  const broker = { url, streamUrl }
  for (const size of SIZES) {
    await compareProducing(broker, size, report)
    await compareReading(broker, size, report)
  }
  await compareLatencies(broker, report)
}

async function compareProducing(broker: Broker, size: Size, report: Report): Promise<void> {
  const runs = { stream: [], ours: [], amqp: [] } as Record<string, Measured[]>
  for (let round = 0; round < ROUNDS; round++) {
    const side = (program: string, records: number) =>
      withTopic(broker, `produce.${size.bytes}`, (topic) =>
        measuredSide(program, argumentsOf('produce', broker, topic, records, size.bytes)),
      )
    runs['stream']?.push(...(await side(RAW.stream, size.records)))
    runs['ours']?.push(...(await side('ours', size.records)))
    runs['amqp']?.push(...(await side(RAW.amqp, size.amqpRecords)))
  }
  for (const [raw, against] of [
    ['stream', `${STREAM}, chunks of 1,000 or 600 kB`],
    ['amqp', `${AMQP}, confirms`],
  ] as const)
    compare(report, `produce ${size.label}`, against, runs['ours'], runs[raw])
}

/** All sides read one topic, which ours has filled. */
async function compareReading(broker: Broker, size: Size, report: Report): Promise<void> {
  const runs = { stream: [], consume: [], amqp: [], replay: [] } as Record<string, Measured[]>
  await withTopic(broker, `read.${size.bytes}`, async (topic) => {
    const side = (program: string, work: Work, records: number = size.records) =>
      measuredSide(program, argumentsOf(work, broker, topic, records, size.bytes))
    await side('ours', 'produce')
    for (let round = 0; round < ROUNDS; round++) {
      runs['stream']?.push(...(await side(RAW.stream, 'consume')))
      runs['consume']?.push(...(await side('ours', 'consume')))
      // Its stream holds a quarter of them.
      runs['amqp']?.push(...(await side(RAW.amqp, 'consume', size.amqpRecords)))
      runs['replay']?.push(...(await side('ours', 'replay')))
    }
  })
  for (const [raw, against] of [
    ['stream', `${STREAM}, ten chunks ahead`],
    ['amqp', `${AMQP}, prefetch 1000`],
  ] as const) {
    for (const work of ['consume', 'replay'] as const)
      compare(report, `${work} ${size.label}`, against, runs[work], runs[raw])
  }
}

interface Latencies {
  readonly p50: number
  readonly p99: number
}

async function compareLatencies(broker: Broker, report: Report): Promise<void> {
  const runs = { stream: [], ours: [], amqp: [] } as Record<string, Latencies[]>
  for (let round = 0; round < ROUNDS; round++) {
    runs['stream']?.push(...(await latencies(broker, RAW.stream)))
    runs['ours']?.push(...(await latencies(broker, 'ours')))
    runs['amqp']?.push(...(await latencies(broker, RAW.amqp)))
  }
  for (const [raw, against] of [
    ['stream', STREAM],
    ['amqp', AMQP],
  ] as const) {
    for (const share of ['p50', 'p99'] as const) {
      const of = (some: readonly Latencies[] = []) => some.map((each) => ({ value: each[share] }))
      compare(report, `end to end ${share}, ${RATE}/s`, against, of(runs['ours']), of(runs[raw]), 'ms')
    }
  }
}

function latencies(broker: Broker, program: string): Promise<readonly Latencies[]> {
  return withTopic(broker, 'latency', (topic) =>
    orNone(async () => {
      const args = (work: Work) => argumentsOf(work, broker, topic, LATENCIES, 200)
      const receiver = startSide(import.meta.url, program, args('receive'), SIDE_LIMIT_MS)
      await receiver.line()
      await startSide(import.meta.url, program, args('send'), SIDE_LIMIT_MS).ended
      return receiver.line<Latencies>()
    }),
  )
}

function measuredSide(program: string, args: readonly (string | number)[]): Promise<readonly Measured[]> {
  return orNone(() => runSide<Measured>(import.meta.url, program, args, SIDE_LIMIT_MS))
}

/** One result, or none where the side failed. */
async function orNone<T>(work: () => Promise<T>): Promise<readonly T[]> {
  try {
    return [await work()]
  } catch (error) {
    console.error(`  ${errorText(error)}`)
    return []
  }
}

function compare(
  report: Report,
  name: string,
  against: string,
  ours: readonly Measured[] = [],
  raw: readonly Measured[] = [],
  unit = 'records/s',
): void {
  if (ours.length < ROUNDS || raw.length < ROUNDS)
    console.error(`  ${name}: of ${ROUNDS} rounds ours finished ${ours.length}, ${against} ${raw.length}`)
  if (ours.length === 0 || raw.length === 0) return
  report(figure(name, { suite: SUITE, against, unit, ours: middle(ours), raw: middle(raw) }))
}

function argumentsOf(work: Work, { url, streamUrl }: Broker, topic: string, records = 0, bytes = 0) {
  return [work, url, streamUrl, topic, records, bytes] as const
}

/** Made by us, so that it is configured alike for all, and deleted afterwards. */
async function withTopic<T>(broker: Broker, what: string, work: (topic: string) => Promise<T>): Promise<T> {
  const topic = `bench.${what}.${Date.now()}`
  await runSide(import.meta.url, 'ours', argumentsOf('create', broker, topic))
  try {
    return await work(topic)
  } finally {
    await runSide(import.meta.url, 'ours', argumentsOf('delete', broker, topic))
  }
}
