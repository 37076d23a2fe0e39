import { errorText } from '../../../src/core/errors.ts'
import { type Figure, figure, type Measured, middle } from '../figure.ts'
import { runSide, startSide } from '../side.ts'

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
      const args = (side: string) => [url, streamUrl, `${name}.${side}`, RECORDS, bytes]
      const stream = await streamSide(args('stream'))
      const ours = await runSide<Ours>(import.meta.url, 'ours', args('ours'))
      const amqp = await runSide<Raw>(import.meta.url, 'raw-amqp', args('amqp'))
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

/** Two lines, or the first alone where the client hangs after it. */
async function streamSide(args: readonly (string | number)[]): Promise<Raw> {
  const side = startSide(import.meta.url, 'raw-stream', args, SIDE_LIMIT_MS)
  let known: Raw = {}
  try {
    known = await side.line<Raw>()
    known = { ...known, ...(await side.line<Raw>()) }
  } catch (error) {
    console.error(`  ${errorText(error)}`)
  }
  return known
}
