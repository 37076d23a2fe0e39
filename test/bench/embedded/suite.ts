import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, figure, type Measured, middle } from '../figure.ts'
import { type Peak, watchMemory } from '../memory-watch.ts'
import { runSide, startSide } from '../side.ts'

const SUITE = 'embedded'
const RECORDS = 500_000
const ROUNDS = 3
const LATENCY_RECORDS = 10_000
const RATE = 1_000
/** Memory has to be the same for both. */
const FEW_RECORDS = 100_000
const MANY_RECORDS = 2_000_000
/** V8 lets its young generation grow over seconds up to some 100 MiB; held small, it does not hide what grows with records. */
const MEMORY_FLAGS = ['--max-semi-space-size=2']
const WORKS = ['produce', 'consume', 'replay'] as const

type Throughput = Record<(typeof WORKS)[number], Measured>

/** Each side runs in processes of its own on a store of its own; the sides take turns, and the median round counts. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const rounds: { ours: Throughput; raw: Throughput }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const raw = await inFolder((folder) => runSide<Throughput>(import.meta.url, 'raw', [folder, RECORDS]))
    const ours = await inFolder((folder) => runSide<Throughput>(import.meta.url, 'ours', [folder, RECORDS]))
    rounds.push({ ours, raw: { ...raw, replay: raw.consume } })
  }
  const against = 'lmdb + avsc, durable batches of 500'
  for (const name of WORKS) {
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
  const few = await inFolder((folder) => peaks(folder, FEW_RECORDS))
  const many = await inFolder((folder) => peaks(folder, MANY_RECORDS))
  for (const name of WORKS) {
    report(
      figure(`memory ${name} ${MANY_RECORDS}`, {
        suite: SUITE,
        against: `ours with ${FEW_RECORDS} records, both ${MEMORY_FLAGS.join(' ')}; peakMemoryMiB counts mapped pages, too`,
        unit: 'MiB anonymous',
        ours: measuredPeak(many[name]),
        raw: measuredPeak(few[name]),
      }),
    )
  }
}

async function peaks(folder: string, records: number): Promise<Partial<Record<(typeof WORKS)[number], Peak>>> {
  const found: Partial<Record<(typeof WORKS)[number], Peak>> = {}
  for (const name of WORKS) {
    const side = startSide(import.meta.url, 'memory', [name, folder, records], undefined, MEMORY_FLAGS)
    const watch = watchMemory(side.pid)
    await side.ended
    const peak = watch.end()
    if (peak !== undefined) found[name] = peak
  }
  return found
}

/** Not a number where the system does not tell. */
function measuredPeak(peak: Peak | undefined): Measured {
  return { value: peak?.anonymousMiB ?? Number.NaN, peakMemoryMiB: peak?.residentMiB ?? Number.NaN }
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
