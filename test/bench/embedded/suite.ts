import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, figure, type Measured, middle } from '../figure.ts'
import { runSide, startSide } from '../side.ts'

const SUITE = 'embedded'
const RECORDS = 500_000
const ROUNDS = 3
const LATENCY_RECORDS = 10_000
const RATE = 1_000

type Throughput = Record<'produce' | 'consume' | 'replay', Measured>

/** Each side runs in processes of its own on a store of its own; the sides take turns, and the median round counts. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const rounds: { ours: Throughput; raw: Throughput }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const raw = await inFolder((folder) => runSide<Throughput>(import.meta.url, 'raw', [folder, RECORDS]))
    const ours = await inFolder((folder) => runSide<Throughput>(import.meta.url, 'ours', [folder, RECORDS]))
    rounds.push({ ours, raw: { ...raw, replay: raw.consume } })
  }
  const against = 'lmdb + avsc, durable batches of 500'
  for (const name of ['produce', 'consume', 'replay'] as const) {
    report(
      figure(`${name} 200 B`, {
        suite: SUITE,
        against,
        unit: 'records/s',
        ours: middle(rounds.map(({ ours }) => ours[name])),
        raw: middle(rounds.map(({ raw }) => raw[name])),
      }),
    )
  }
  const raw = await inFolder((folder) => latency('latency-raw', folder))
  const ours = await inFolder((folder) => latency('latency-ours', folder))
  for (const name of ['p50', 'p99'] as const) {
    report(
      figure(`end to end ${name}, ${RATE}/s`, {
        suite: SUITE,
        against: 'lmdb + avsc, reader polling every 1 ms',
        unit: 'ms',
        ours: { value: ours[name] },
        raw: { value: raw[name] },
      }),
    )
  }
}

async function latency(program: string, folder: string): Promise<{ p50: number; p99: number }> {
  const receiver = startSide(import.meta.url, program, ['receive', folder, LATENCY_RECORDS, RATE])
  await receiver.line()
  await startSide(import.meta.url, program, ['send', folder, LATENCY_RECORDS, RATE]).ended
  return receiver.line()
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-bench-'))
  try {
    return await work(join(folder, 'store'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
