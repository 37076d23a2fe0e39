import { afterEach, describe, expect } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { verdictText } from '../kit/judge-run.ts'
import { report } from '../kit/soak-scale.ts'
import { testUnless } from '../kit/skip.ts'
import { connect } from '../../src/index.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import { growDisk, mayMount, mountDisk, unmountDisks } from './small-disk.ts'
import { ticks } from './programs/topic.ts'

afterEach(unmountDisks)

describe('promise: at least once', () => {
  testUnless(
    mayMount ? undefined : 'only root may mount a disk of its own size',
    'a-group-goes-on-over-a-full-disk-and-loses-nothing',
    async () => {
      const disk = mountDisk('12m')
      const url = `embedded:${disk}`
      await using broker = await connect(url)
      await broker.declare(ticks)
      // Journals stand on another disk.
      await using crew = createCrew({ broker, url, group: 'full', directory: tempDir() })
      const members = [crew.startMember(), crew.startMember()]
      const producer = crew.startProducer({ keys: 50 })
      await Promise.all([...members, producer].map((hand) => crew.underLoad(hand)))
      await eventually(() => crew.refused(producer) > 1_000, {
        what: 'the disk is full',
        timeoutMs: 120_000,
        intervalMs: 200,
      })
      // Members go on meanwhile: what is there is handled, and their positions and leases are still written.
      await eventually(async () => (await crew.lag()) === 0, {
        what: 'everything stored is handled',
        timeoutMs: 60_000,
      })
      expect((await broker.groups.describe('full', ticks)).members).toHaveLength(2)
      growDisk(disk, '256m')
      await Promise.all(members.map((member) => crew.underLoad(member, 50_000)))
      const verdict = await crew.finish()
      report(`full-disk-group: ${verdictText(verdict)}`)
      expect(verdict.findings).toEqual([])
      expect(verdict.counts).toMatchObject({ excused: 0 })
      expect(verdict.counts.failed).toBeGreaterThan(1_000)
    },
    300_000,
  )
})
