import { describe, expect, it } from '@jest/globals'
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/index.ts'
import { runProcess } from '../kit/process.ts'
import { createRandom } from '../kit/random.ts'
import { report, soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import { ticks } from './programs/topic.ts'

const SCALE = soakScale('torn-copy', {
  short: { copies: 3, timeoutMs: 300_000 },
  full: { copies: 100, timeoutMs: 3 * 3_600_000 },
})
const program = fileURLToPath(new URL('./programs/read-store.ts', import.meta.url))

/** A copy that lacks less cannot be told from a whole one by its size, and may end the process by SIGBUS (README.md, gaps). */
const TELLTALE_BYTES = 1_048_576 + 4_096

interface Answer {
  readonly records: Readonly<Record<string, readonly string[]>>
  /** The error's code, or the signal that ended the process. */
  readonly code?: string
}

/** Opens the copy in a process of its own and reads all of it. */
async function open(directory: string): Promise<Answer> {
  const { code, signal, stdout } = await runProcess(program, { args: [`embedded:${directory}`] })
  if (signal !== null) return { records: {}, code: signal }
  expect({ directory, code }).toEqual({ directory, code: 0 })
  return JSON.parse(stdout) as Answer
}

/** What was read is what the store holds from the beginning on, without a gap. */
function expectPrefix(answer: Answer, truth: Answer): void {
  for (const [partition, records] of Object.entries(answer.records)) {
    expect(records).toEqual((truth.records[partition] ?? []).slice(0, records.length))
  }
}

describe('promise: acknowledged is durable', () => {
  // LMDB keeps no checksums: of a file whose parts are of different moments it may die. It must not give wrong records.
  it(
    'a-torn-copy-is-never-read-wrongly-and-one-cut-short-is-refused',
    async () => {
      const random = createRandom()
      const directory = tempDir()
      const store = join(directory, 'store')
      const data = join(store, 'data.mdb')
      const url = `embedded:${store}`
      await using broker = await connect(url)
      await broker.declare(ticks)
      await using crew = createCrew({ broker, url, group: 'torn', directory })
      const member = crew.startMember()
      const producer = crew.startProducer({ keys: 50, perSecond: 5_000 })
      await Promise.all([crew.underLoad(member), crew.underLoad(producer, 300_000)])
      const copies: { readonly path: string; readonly kind: string }[] = []
      const newCopy = (kind: string) => {
        const path = join(directory, `copy-${copies.length}`)
        mkdirSync(path)
        copies.push({ path, kind })
        return join(path, 'data.mdb')
      }
      for (let n = 0; n < SCALE.copies; n++) {
        await crew.underLoad(producer, 50_000)
        copyFileSync(data, newCopy('taken at once'))
        const short = newCopy('cut short')
        copyFileSync(data, short)
        truncateSync(short, random.below(Math.max(1, statSync(short).size - TELLTALE_BYTES)))
        await copySlowly(data, newCopy('taken slowly'), () => crew.underLoad(producer))
      }
      expect((await crew.finish()).findings).toEqual([])
      const truth = await open(store)
      const ends = new Map<string, number>()
      for (const { path, kind } of copies) {
        const answer = await open(path)
        expectPrefix(answer, truth)
        if (kind === 'cut short') expect({ path, code: answer.code }).toEqual({ path, code: 'ERR_STORE_FAILED' })
        const end = `${kind}: ${answer.code ?? 'read as a prefix'}`
        ends.set(end, (ends.get(end) ?? 0) + 1)
      }
      const told = [...ends].map(([end, count]) => `${count} ${end}`).join(', ')
      report(`torn-copy: ${told}; seed ${random.seed}`)
    },
    SCALE.timeoutMs,
  )
})

/** As a backup tool under load does it: parts of the file are of different moments. */
async function copySlowly(from: string, to: string, between: () => Promise<void>): Promise<void> {
  const earlier = readFileSync(from)
  const file = openSync(to, 'w')
  const half = Math.floor(earlier.length / 8_192) * 4_096
  writeSync(file, earlier, 0, half, 0)
  await between()
  const later = readFileSync(from)
  writeSync(file, later, half, later.length - half, half)
  closeSync(file)
}
