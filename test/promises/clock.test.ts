import { describe, expect } from '@jest/globals'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../src/index.ts'
import { eventually } from '../kit/eventually.ts'
import { verdictText } from '../kit/judge-run.ts'
import { report } from '../kit/soak-scale.ts'
import { testUnless } from '../kit/skip.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import { ticks } from './programs/topic.ts'

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
const library = LIBRARIES.find((path) => existsSync(path))
const missing = library === undefined ? 'no libfaketime here: apt-get install faketime' : undefined

const HOUR_S = 3_600

/** A wall clock that a test sets; CLOCK_MONOTONIC goes on as it does when a machine's clock is set. */
function movableClock() {
  const file = join(tempDir(), 'clock')
  const set = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`)
  set(0)
  const env = {
    LD_PRELOAD: library ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  return { set, env }
}

describe('promise: at least once, in order', () => {
  testUnless(
    missing,
    'a-clock-that-is-set-forwards-and-back-changes-nothing',
    async () => {
      const directory = tempDir()
      const url = `embedded:${join(directory, 'store')}`
      await using broker = await connect(url)
      await broker.declare(ticks)
      const clock = movableClock()
      await using crew = createCrew({ broker, url, group: 'clock', directory, env: clock.env })
      const members = [crew.startMember(), crew.startMember()]
      const producer = crew.startProducer({ keys: 50, perSecond: 500 })
      const live = async () => (await broker.groups.describe('clock', ticks)).members
      await eventually(async () => (await live()).filter(({ partitions }) => partitions.length === 3).length === 2, {
        what: 'two members share six partitions',
        timeoutMs: 60_000,
      })
      const before = (await live()).map(({ id }) => id).toSorted()
      // Records of all moments: an hour ahead, an hour behind, and back again.
      for (const seconds of [HOUR_S, -HOUR_S, 0]) {
        clock.set(seconds)
        await Promise.all([...members, producer].map((hand) => crew.underLoad(hand, 20_000)))
        // Positions follow at once, whatever the clock says: commits are not held up until the old time comes again.
        await eventually(async () => (await crew.lag()) < 500, {
          what: 'positions follow the records',
          timeoutMs: 30_000,
        })
      }
      // No lease ran out, in whichever direction.
      expect((await live()).map(({ id }) => id).toSorted()).toEqual(before)
      const verdict = await crew.finish()
      report(`clock: ${verdictText(verdict)}`)
      expect(verdict.findings).toEqual([])
      expect(verdict.counts).toMatchObject({ failed: 0, excused: 0 })

      const latest = new Map<number, number>()
      const forward = Date.now() + (HOUR_S * 1_000) / 2
      let ahead = 0
      for await (const { partition, appendedAt } of broker.read(ticks, { to: 'end' })) {
        expect(appendedAt).toBeGreaterThanOrEqual(latest.get(partition) ?? 0)
        latest.set(partition, appendedAt)
        if (appendedAt > forward) ahead++
      }
      // The faked clock was really seen.
      expect(ahead).toBeGreaterThan(0)
    },
    300_000,
  )
})
