import { describe, expect, it } from '@jest/globals'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { STEP_BYTES, TOMBSTONE_MS } from '../../../../src/backends/embedded/compaction.ts'
import type { Backend } from '../../../../src/core/backend.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { openControlLog } from '../../../../src/core/control-log.ts'
import { silentLog } from '../../../../src/core/log.ts'
import type { NewRecord, StoredRecord } from '../../../../src/core/record.ts'
import { eventually } from '../../../kit/eventually.ts'
import { startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { joinGroup, openCompaction, openStore, readPartition, UNKEPT } from './harness.ts'

const COMPACT = { name: 't', partitions: 1, compact: true, retentionMs: null, retentionBytes: null }

function keyed(key: string | null, text: string, bytes = 4_000): NewRecord {
  const value = Buffer.alloc(bytes, text)
  return { key: key === null ? null : Buffer.from(key), value, headers: [['text', Buffer.from(text)]], timestamp: 7 }
}

function tombstone(key: string): NewRecord {
  return { key: Buffer.from(key), value: null, headers: [], timestamp: 7 }
}

/** `updates` records of 4 kB over `keys` keys, ten to an append. */
async function update(backend: Backend, keys: number, updates: number): Promise<void> {
  for (let n = 0; n < updates; n += 10) {
    await backend.append(
      't',
      0,
      Array.from({ length: 10 }, (_, index) => keyed(`k${(n + index) % keys}`, `value ${n + index}`)),
    )
  }
}

function newestOf(records: readonly StoredRecord[]): Map<string, StoredRecord> {
  return new Map(records.map((record) => [String(record.key), record]))
}

const offsetsOf = (records: readonly StoredRecord[]) => records.map(({ offset }) => offset)

describe('compaction', () => {
  it('leaves-the-newest-record-of-each-key-with-its-offset-and-bytes', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    await backend.append('t', 0, [keyed(null, 'no key'), keyed('x'.repeat(40), 'a long key'), keyed('', 'empty key')])
    await update(backend, 30, 600)
    const before = await readPartition(backend, 't')
    const compaction = await openCompaction(dir)
    await compaction.compact()
    const after = await readPartition(backend, 't')
    const wanted = before.filter((record) => record.key === null || newestOf(before).get(String(record.key)) === record)
    expect(after).toEqual(wanted)
    expect(after).toHaveLength(33)
    expect((await backend.describeTopic('t')).ranges).toEqual([{ first: 0, end: 603 }])
  })

  it('is-done-by-the-housekeeping-of-any-process', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic(COMPACT)
    await update(backend, 10, 400)
    await eventually(async () => (await readPartition(backend, 't')).length === 10, {
      what: 'the housekeeping to compact',
      timeoutMs: 30_000,
    })
  })

  it('leaves-other-topics-alone', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic({ ...COMPACT, compact: false })
    await update(backend, 10, 400)
    const compaction = await openCompaction(dir)
    await compaction.compact()
    expect(await readPartition(backend, 't')).toHaveLength(400)
    expect(compaction.sent).toEqual([])
  })

  it('goes-in-bounded-steps-with-bounded-keys-and-still-comes-to-the-end', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    await update(backend, 500, 1_500)
    const compaction = await openCompaction(dir, { maxKeys: 100 })
    await compaction.compact()
    const steps = compaction.sent.flatMap((request) => (request.kind === 'thin' ? [request.bytes] : []))
    expect(steps.length).toBeGreaterThan(5)
    expect(Math.max(...steps)).toBeLessThanOrEqual(STEP_BYTES)
    expect(compaction.sent.filter(({ kind }) => kind === 'endCompaction').length).toBeGreaterThan(3)
    const after = await readPartition(backend, 't')
    // What is new waits until it has as many bytes as what is clean.
    expect(after.length).toBeLessThan(1_000)
    expect(newestOf(after).get('k499')?.offset).toBe(1_499)
    expect(newestOf(after).size).toBe(500)
  })

  it('gives-the-room-back-for-what-comes-next', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    const compaction = await openCompaction(dir)
    for (let round = 0; round < 12; round += 1) {
      await update(backend, 10, 500)
      await compaction.compact()
    }
    // Twelve rounds of 2 MB; without compaction it would be 24 MB.
    expect(statSync(`${dir}/data.mdb`).size).toBeLessThan(12_000_000)
  })
})

describe('a thinned log', () => {
  it('is-found-by-time-at-its-first-record-left', async () => {
    let now = 1_000_000_000_000
    const dir = tempDir()
    const backend = await openStore(dir, { ...UNKEPT, clock: { ...systemClock, now: () => now } })
    await backend.createTopic(COMPACT)
    for (let n = 0; n < 60; n += 1) {
      now += 1_000_000
      await backend.append('t', 0, [
        keyed('often', `o${n}`, 30_000),
        keyed(`k${n % 20}`, `r${n}`),
        keyed('often', `p${n}`, 30_000),
      ])
    }
    const compaction = await openCompaction(dir)
    await compaction.compact()
    const left = await readPartition(backend, 't')
    expect(left.length).toBe(21)
    for (let time = 1_000_000_500_000; time < now + 2_000_000; time += 1_000_000) {
      const wanted = left.find(({ appendedAt }) => appendedAt >= time)?.offset ?? 180
      expect({ time, found: (await backend.offsetsAt('t', time))[0] }).toEqual({ time, found: wanted })
    }
  })

  it('loses-no-position-and-is-read-to-its-end-from-within-a-gap', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    await update(backend, 10, 400)
    await backend.resetGroup('group', 't', [123])
    const compaction = await openCompaction(dir)
    await compaction.compact()
    const member = await joinGroup(backend, 't')
    await eventually(() => member.held().length === 1, { what: 'the partition is held' })
    expect(member.assigned).toEqual([{ partition: 0, position: 123 }])
    expect(offsetsOf(await member.feed.pull(0))).toEqual([390, 391, 392, 393, 394, 395, 396, 397, 398, 399])
    await member.feed.commit(0, 400)
    expect((await backend.describeGroup('group', 't')).positions).toEqual([{ next: 400, end: 400, lag: 0 }])
    for (const [from, to, wanted] of [
      [0, 200, []],
      [50, 391, [390]],
      [395, 400, [395, 396, 397, 398, 399]],
    ] as const) {
      const reader = await backend.openReader({
        topic: 't',
        ranges: [{ partition: 0, from, to }],
        limits: { maxRecords: 500, maxBytes: 1_000_000 },
      })
      const first = await reader.pull(0)
      expect(first && offsetsOf(first)).toEqual(wanted.length === 0 ? null : wanted)
      if (first !== null) expect(await reader.pull(0)).toBeNull()
    }
  })
})

describe('a tombstone', () => {
  it('outlives-the-records-it-deletes-by-a-day-and-goes-then', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    await backend.append('t', 0, [keyed('gone', 'value'), tombstone('gone'), tombstone('never was')])
    await update(backend, 10, 400)
    const compaction = await openCompaction(dir)
    const keys = async () => [...newestOf(await readPartition(backend, 't'))].map(([key]) => key)
    await compaction.compact()
    const [first] = await readPartition(backend, 't')
    expect(first).toMatchObject({ offset: 1, value: null })
    // A later pass inside the day neither takes it nor puts its day off.
    await update(backend, 10, 800)
    await compaction.compact(TOMBSTONE_MS / 2)
    expect(await keys()).toContain('gone')
    await compaction.compact(TOMBSTONE_MS + 60_000)
    expect(await keys()).toEqual(Array.from({ length: 10 }, (_, n) => `k${n}`))
  })

  it('at-the-end-of-the-log-stays-so-that-the-end-can-be-reached', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    await backend.createTopic(COMPACT)
    await update(backend, 10, 400)
    await backend.append('t', 0, [tombstone('k0'), tombstone('k1')])
    const compaction = await openCompaction(dir)
    await compaction.compact()
    await compaction.compact(TOMBSTONE_MS + 60_000)
    const left = await readPartition(backend, 't')
    expect(left.at(-1)).toMatchObject({ offset: 401, value: null })
    expect(newestOf(left).has('k0')).toBe(false)
  })
})

describe('compaction that is broken off', () => {
  it('by-sigkill-anywhere-loses-no-newest-record-and-brings-none-back', async () => {
    const dir = tempDir()
    const program = fileURLToPath(new URL('./programs/churn.ts', import.meta.url))
    const begun = new Set<number>()
    const acknowledged = new Set<number>()
    let passes = 0
    for (let round = 0; round < 6; round += 1) {
      const from = begun.size * 100
      const churn = startProcess(program, { args: [dir, String(from)] })
      const wanted = 12 + round * 7
      await eventually(() => churn.lines.length > wanted, { what: `${wanted} lines`, timeoutMs: 30_000, intervalMs: 1 })
      churn.kill('SIGKILL')
      await churn.ended
      for (const said of churn.messages() as { begun?: number; acknowledged?: number; passes?: number }[]) {
        if (said.begun !== undefined) begun.add(said.begun)
        if (said.acknowledged !== undefined) acknowledged.add(said.acknowledged)
        passes += said.passes ?? 0
      }
      const backend = await openStore(dir, UNKEPT)
      const log = (await readPartition(backend, 't')).map(({ key, value, headers }) => ({
        key: String(key),
        n: Number(String(headers[0]?.[1])),
        isTombstone: value === null,
      }))
      await backend.close()
      expect(log.map(({ n }) => n)).toEqual(log.map(({ n }) => n).sort((a, b) => a - b))
      expect(faults(log, begun, acknowledged)).toEqual([])
    }
    expect(passes).toBeGreaterThan(0)
  }, 180_000)
})

/** What the log says of each key against the numbers that were begun and acknowledged. */
function faults(
  log: readonly { key: string; n: number; isTombstone: boolean }[],
  begun: ReadonlySet<number>,
  acknowledged: ReadonlySet<number>,
): string[] {
  const newest = new Map(log.map((entry) => [entry.key, entry]))
  const last = new Map<string, number>()
  const perhaps = new Map<string, Set<number>>()
  for (const first of [...begun].sort((a, b) => a - b)) {
    for (let n = first; n < first + 100; n += 1) {
      const key = `key ${(n * 7919) % 331}`
      if (acknowledged.has(first)) last.set(key, n)
      else perhaps.set(key, (perhaps.get(key) ?? new Set()).add(n))
    }
  }
  return [...last].flatMap(([key, n]) => {
    const found = newest.get(key)
    if (found?.n === n || (found !== undefined && perhaps.get(key)?.has(found.n) === true)) return []
    // A tombstone may be gone, and then nothing of its key may be there.
    if (found === undefined && n % 8 === 0) return []
    if (found === undefined && [...(perhaps.get(key) ?? [])].some((other) => other > n && other % 8 === 0)) return []
    return [`${key}: ${n} was the last acknowledged, ${found?.n ?? 'nothing'} is there`]
  })
}

describe('a control log', () => {
  it('keeps-its-state-through-compaction', async () => {
    const dir = tempDir()
    const backend = await openStore(dir, UNKEPT)
    const options = { backend, what: 'test', partitions: 1, clock: systemClock, log: silentLog }
    for (let tenure = 0; tenure < 3; tenure += 1) {
      const found: (number | undefined)[] = []
      const log = await openControlLog<{ n: number; filling: string }>({
        ...options,
        own: async ({ state, save }) => {
          found.push(state?.n)
          for (let n = 1; n <= 40; n += 1) await save({ n: tenure * 100 + n, filling: 'x'.repeat(40_000) })
        },
      })
      await log.done
      expect(found).toEqual([tenure === 0 ? undefined : (tenure - 1) * 100 + 40])
      const compaction = await openCompaction(dir)
      await compaction.compact()
      await compaction.compact(TOMBSTONE_MS * 2 * (tenure + 1))
      expect((await readPartition(backend, 'drawbridge.test')).length).toBeLessThan(12)
    }
  })
})
