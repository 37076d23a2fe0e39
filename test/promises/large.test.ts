import { describe, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../kit/process.ts'
import { report, soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'

const GROUPS = soakScale('many-groups', {
  short: { groups: 20, partitions: 64, timeoutMs: 300_000 },
  full: { groups: 1_000, partitions: 64, timeoutMs: 2 * 3_600_000 },
})
const MEMORY = soakScale('flat-memory', {
  short: { records: 200_000, timeoutMs: 300_000 },
  full: { records: 2_000_000, timeoutMs: 2 * 3_600_000 },
})
/** What a process's memory may differ by between the second and the last tenth of a run, MiB: the collector's freedom, not the records'. */
const SLACK_MIB = 80
const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))

async function run<T extends object>(name: string, args: readonly number[], timeoutMs: number): Promise<T> {
  const child = startProcess(program(name), { args: [`embedded:${tempDir()}`, ...args.map(String)] })
  const said = await child.message<T>((value) => 'handled' in value, `${name} is through`, timeoutMs)
  expect({ end: await child.ended, stderr: child.stderr() }).toEqual({ end: { code: 0, signal: null }, stderr: '' })
  return said
}

describe('promise: at least once', () => {
  it(
    'a-thousand-groups-of-64-partitions-each-handle-everything',
    async () => {
      const { groups, partitions, timeoutMs } = GROUPS
      const said = await run<{ handled: number; positions: number; rssMiB: number }>(
        'many-groups',
        [groups, partitions],
        timeoutMs,
      )
      report(
        `many-groups: ${groups} groups x ${partitions} partitions, ${said.handled} handled, ${said.rssMiB} MiB resident`,
      )
      expect(said).toMatchObject({ handled: groups * partitions, positions: groups * partitions })
    },
    GROUPS.timeoutMs,
  )
})

describe('promise: bounded memory', () => {
  it(
    'memory-stays-flat-over-two-million-records',
    async () => {
      const { records, timeoutMs } = MEMORY
      const { handled, peaks } = await run<{ handled: number; peaks: number[] }>('flat-memory', [records], timeoutMs)
      report(`flat-memory: ${handled} records, peaks of its own memory by tenths ${peaks.join(' ')} MiB`)
      expect(handled).toBe(records)
      expect(peaks).toHaveLength(10)
      expect(Math.max(...peaks.slice(5)) - Math.max(...peaks.slice(0, 3))).toBeLessThan(SLACK_MIB)
    },
    MEMORY.timeoutMs,
  )
})
