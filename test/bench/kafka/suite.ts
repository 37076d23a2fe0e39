import { type Figure, figure, type Measured, middle } from '../figure.ts'
import { runSide, startSide } from '../side.ts'
import { RATE, type Work } from './side-arguments.ts'

const SUITE = 'kafka'
const PRODUCED = 200_000
const SINGLES = 20_000
const READ = 1_000_000
const LATENCIES = 10_000
const ROUNDS = 3
const SIZES = [
  { bytes: 200, label: '200 B' },
  { bytes: 1_024, label: '1 KiB' },
] as const
const RAW = { kafkajs: 'raw-kafkajs', platformatic: 'raw-platformatic' } as const
const BATCHES = 'idempotent sends of 1,000 records a partition'

type Report = (figure: Figure) => void

/** Every side is a process of its own; the sides take turns, and of three rounds the median counts. Broker: KAFKA_URL. */
export async function run(report: Report): Promise<void> {
  const url = process.env['KAFKA_URL']
  if (url === undefined) throw new Error('KAFKA_URL is not set: start a broker with `npm run brokers -- up kafka`')
  for (const { bytes, label } of SIZES) {
    await compareProducing(url, bytes, label, report)
    await compareReading(url, bytes, label, report)
  }
  await compareLatencies(url, report)
}

async function compareProducing(url: string, bytes: number, label: string, report: Report): Promise<void> {
  const runs = { ours: [], kafkajs: [], single: [], platformatic: [] } as Record<string, Measured[]>
  for (let round = 0; round < ROUNDS; round++) {
    const side = async (program: string, work: Work, records: number) => {
      const topic = await newTopic(url, `produce.${bytes}`)
      return runSide<Measured>(import.meta.url, program, [work, url, topic, records, bytes])
    }
    runs['kafkajs']?.push(await side(RAW.kafkajs, 'produce', PRODUCED))
    runs['ours']?.push(await side('ours', 'produce', PRODUCED))
    runs['platformatic']?.push(await side(RAW.platformatic, 'produce', PRODUCED))
    runs['single']?.push(await side(RAW.kafkajs, 'single', SINGLES))
  }
  const pairs = [
    { raw: 'kafkajs', against: `kafkajs + avsc, ${BATCHES}` },
    { raw: 'single', against: 'kafkajs + avsc, single sends, 100 at a time' },
    { raw: 'platformatic', against: `@platformatic/kafka + avsc, ${BATCHES}` },
  ]
  for (const { raw, against } of pairs) {
    const sides = { ours: middle(runs['ours'] ?? []), raw: middle(runs[raw] ?? []) }
    report(figure(`produce ${label}`, { suite: SUITE, against, unit: 'records/s', ...sides }))
  }
}

/** All sides read one topic, which ours has filled. */
async function compareReading(url: string, bytes: number, label: string, report: Report): Promise<void> {
  const topic = await newTopic(url, `read.${bytes}`)
  const side = (program: string, work: Work) =>
    runSide<Measured>(import.meta.url, program, [work, url, topic, READ, bytes])
  await side('ours', 'produce')
  const runs = { consume: [], replay: [], kafkajs: [], platformatic: [] } as Record<string, Measured[]>
  for (let round = 0; round < ROUNDS; round++) {
    runs['kafkajs']?.push(await side(RAW.kafkajs, 'consume'))
    runs['consume']?.push(await side('ours', 'consume'))
    runs['platformatic']?.push(await side(RAW.platformatic, 'consume'))
    runs['replay']?.push(await side('ours', 'replay'))
  }
  for (const [raw, against] of [
    ['kafkajs', 'kafkajs eachBatch + avsc'],
    ['platformatic', '@platformatic/kafka stream + avsc'],
  ] as const) {
    for (const work of ['consume', 'replay'] as const) {
      const sides = { ours: middle(runs[work] ?? []), raw: middle(runs[raw] ?? []) }
      report(figure(`${work} ${label}`, { suite: SUITE, against, unit: 'records/s', ...sides }))
    }
  }
}

interface Latencies {
  readonly p50: number
  readonly p99: number
}

async function compareLatencies(url: string, report: Report): Promise<void> {
  const runs = { ours: [], kafkajs: [], platformatic: [] } as Record<string, Latencies[]>
  for (let round = 0; round < ROUNDS; round++) {
    runs['kafkajs']?.push(await latencies(url, RAW.kafkajs))
    runs['ours']?.push(await latencies(url, 'ours'))
    runs['platformatic']?.push(await latencies(url, RAW.platformatic))
  }
  for (const [raw, against] of [
    ['kafkajs', 'kafkajs + avsc, single sends, eachBatch'],
    ['platformatic', '@platformatic/kafka + avsc, single sends, stream'],
  ] as const) {
    for (const share of ['p50', 'p99'] as const) {
      const middleOf = (some: readonly Latencies[] = []) => middle(some.map((each) => ({ value: each[share] })))
      const sides = { ours: middleOf(runs['ours']), raw: middleOf(runs[raw]) }
      report(figure(`end to end ${share}, ${RATE}/s`, { suite: SUITE, against, unit: 'ms', ...sides }))
    }
  }
}

async function latencies(url: string, program: string): Promise<Latencies> {
  const topic = await newTopic(url, 'latency')
  const receiver = startSide(import.meta.url, program, ['receive', url, topic, LATENCIES])
  await receiver.line()
  await startSide(import.meta.url, program, ['send', url, topic, LATENCIES]).ended
  return receiver.line<Latencies>()
}

/** Made by us, so that it is configured alike for all. */
async function newTopic(url: string, what: string): Promise<string> {
  const name = `bench.${what}.${Date.now()}`
  await runSide(import.meta.url, 'ours', ['create', url, name])
  return name
}
