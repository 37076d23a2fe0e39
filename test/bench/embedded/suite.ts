import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Figure, figure, type Measured, median } from '../figure.ts'

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
    const raw = await inFolder((folder) => lastLine<Throughput>('raw', [folder, String(RECORDS)]))
    const ours = await inFolder((folder) => lastLine<Throughput>('ours', [folder, String(RECORDS)]))
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

function middle(values: readonly Measured[]): Measured {
  const target = median(values.map(({ value }) => value))
  return values.find(({ value }) => value === target) ?? { value: Number.NaN }
}

async function latency(program: string, folder: string): Promise<{ p50: number; p99: number }> {
  const receiver = start(program, ['receive', folder, String(LATENCY_RECORDS), String(RATE)])
  await receiver.line()
  const sender = start(program, ['send', folder, String(LATENCY_RECORDS), String(RATE)])
  await sender.ended
  return JSON.parse(await receiver.line()) as { p50: number; p99: number }
}

async function lastLine<T>(program: string, args: readonly string[]): Promise<T> {
  return JSON.parse(await start(program, args).line()) as T
}

function start(program: string, args: readonly string[]): { line(): Promise<string>; readonly ended: Promise<void> } {
  const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${signal ?? code}`)),
    )
  })
  ended.catch(() => undefined)
  return {
    ended,
    async line() {
      const next = await lines.next()
      if (next.done === true) {
        await ended
        throw new Error(`${program} printed no result`)
      }
      return next.value
    },
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-bench-'))
  try {
    return await work(join(folder, 'store'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
