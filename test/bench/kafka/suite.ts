import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Figure, figure, type Measured, median } from '../figure.ts'

const SUITE = 'kafka'
const RECORDS = 200_000
const ROUNDS = 3
const SIZES = [
  { bytes: 200, label: '200 B' },
  { bytes: 1_024, label: '1 KiB' },
] as const

interface Ours {
  readonly produce: Measured
  readonly consume: Measured
  readonly replay: Measured
}

interface Raw {
  readonly produce: Measured
  readonly single: Measured
  readonly consume: Measured
}

/** Each side runs in processes of its own, on topics of its own of the broker KAFKA_URL names; the sides take turns. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const url = process.env['KAFKA_URL']
  if (url === undefined) throw new Error('KAFKA_URL is not set: start a broker with `npm run brokers -- up kafka`')
  for (const { bytes, label } of SIZES) {
    const rounds: { ours: Ours; raw: Raw }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const name = `bench-${bytes}-${Date.now()}`
      const raw = await side<Raw>('raw', [url, `${name}.raw`, String(RECORDS), String(bytes)])
      const ours = await side<Ours>('ours', [url, `${name}.ours`, String(RECORDS), String(bytes)])
      rounds.push({ ours, raw })
    }
    const pairs = [
      { name: 'produce', ours: 'produce', raw: 'produce', against: 'kafkajs + avsc, idempotent sends of 4 × 500' },
      { name: 'produce', ours: 'produce', raw: 'single', against: 'kafkajs + avsc, single sends, 100 at a time' },
      { name: 'consume', ours: 'consume', raw: 'consume', against: 'kafkajs eachBatch + avsc' },
      { name: 'replay', ours: 'replay', raw: 'consume', against: 'kafkajs eachBatch + avsc' },
    ] as const
    for (const pair of pairs) {
      report(
        figure(`${pair.name} ${label}`, {
          suite: SUITE,
          against: pair.against,
          unit: 'records/s',
          ours: middle(rounds.map(({ ours }) => ours[pair.ours])),
          raw: middle(rounds.map(({ raw }) => raw[pair.raw])),
        }),
      )
    }
  }
}

function middle(values: readonly Measured[]): Measured {
  const target = median(values.map(({ value }) => value))
  return values.find(({ value }) => value === target) ?? { value: Number.NaN }
}

async function side<T>(program: string, args: readonly string[]): Promise<T> {
  const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${signal ?? code}`)),
    )
  })
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) last = line
  await ended
  return JSON.parse(last) as T
}
