import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Figure, figure, type Measured, median } from '../figure.ts'

const SUITE = 'rabbitmq'
const RECORDS = 50_000
const ROUNDS = 3
/** A raw client that hangs is ended; the rounds it finished count, and standard error says how many. */
const SIDE_LIMIT_MS = 15_000
const SIZES = [
  { bytes: 200, label: '200 B' },
  { bytes: 1_024, label: '1 KiB' },
] as const

interface Raw {
  readonly produce?: Measured
  readonly consume?: Measured
}

type Ours = Readonly<Record<'produce' | 'consume' | 'replay', Measured>>

/** Each side runs in processes of its own, on topics of its own of the broker RABBITMQ_URL names; the sides take turns. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const { RABBITMQ_URL: url, RABBITMQ_STREAM_URL: streamUrl } = process.env
  if (url === undefined || streamUrl === undefined)
    throw new Error(
      'RABBITMQ_URL and RABBITMQ_STREAM_URL are not set: start a broker with `npm run brokers -- up rabbitmq`',
    )
  for (const { bytes, label } of SIZES) {
    const rounds: { ours: Ours; stream: Raw; amqp: Raw }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const name = `bench-${bytes}-${Date.now()}`
      const args = (side: string) => [url, streamUrl, `${name}.${side}`, String(RECORDS), String(bytes)]
      const stream = await side<Raw>('raw-stream', args('stream'))
      const ours = await side<Ours>('ours', args('ours'))
      const amqp = await side<Raw>('raw-amqp', args('amqp'))
      rounds.push({ ours, stream, amqp })
    }
    const pairs = [
      { name: 'produce', raw: 'stream', against: 'rabbitmq-stream-js-client + avsc', of: 'produce' },
      { name: 'produce', raw: 'amqp', against: 'amqplib + avsc, confirms', of: 'produce' },
      { name: 'consume', raw: 'stream', against: 'rabbitmq-stream-js-client + avsc', of: 'consume' },
      { name: 'consume', raw: 'amqp', against: 'amqplib + avsc, prefetch 1000', of: 'consume' },
      { name: 'replay', raw: 'stream', against: 'rabbitmq-stream-js-client + avsc', of: 'consume' },
    ] as const
    for (const pair of pairs) {
      const raw = rounds.flatMap((round) => round[pair.raw][pair.of] ?? [])
      if (raw.length < ROUNDS)
        console.error(`  ${pair.against}: ${raw.length} of ${ROUNDS} rounds finished (${pair.of} ${label})`)
      if (raw.length === 0) continue
      report(
        figure(`${pair.name} ${label}`, {
          suite: SUITE,
          against: pair.against,
          unit: 'records/s',
          ours: middle(rounds.map(({ ours }) => ours[pair.name])),
          raw: middle(raw),
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
    const timer = setTimeout(() => child.kill('SIGKILL'), SIDE_LIMIT_MS)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0 || signal === 'SIGKILL') resolve()
      else reject(new Error(`${program} ended with ${signal ?? code}`))
    })
  })
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) last = line
  await ended
  return JSON.parse(last === '' ? '{}' : last) as T
}
