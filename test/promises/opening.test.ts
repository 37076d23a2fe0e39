import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/index.ts'
import { verdictText } from '../kit/judge-run.ts'
import { startProcess } from '../kit/process.ts'
import { report, soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import { ticks } from './programs/topic.ts'

const SCALE = soakScale('opening', {
  short: { openings: 2_000, timeoutMs: 600_000 },
  full: { openings: 100_000, timeoutMs: 2 * 3_600_000 },
})
const openClose = fileURLToPath(new URL('./programs/open-close.ts', import.meta.url))

describe('promise: acknowledged is durable', () => {
  it(
    'a-process-that-opens-the-store-takes-nothing-from-those-that-write',
    async () => {
      const directory = tempDir()
      const store = join(directory, 'store')
      const url = `embedded:${store}`
      await using broker = await connect(url)
      await broker.declare(ticks)
      await using crew = createCrew({ broker, url, group: 'opening', directory })
      crew.startMember()
      const producers = [0, 1].map(() => crew.startProducer({ keys: 50, perSecond: 1_000 }))
      let opened = 0
      while (opened < SCALE.openings) {
        const openers = [0, 1].map(() => startProcess(openClose, { args: [store] }))
        for (let n = 0; n < 20; n++) await Promise.all(producers.map((producer) => crew.underLoad(producer, 10_000)))
        for (const { kill } of openers) kill('SIGTERM')
        for (const opener of openers) {
          expect({ end: await opener.ended, stderr: opener.stderr() }).toEqual({
            end: { code: 0, signal: null },
            stderr: '',
          })
          opened += (opener.messages().at(-1) as { opened: number }).opened
        }
      }
      const verdict = await crew.finish()
      report(`opening: ${opened} openings under load; ${verdictText(verdict)}`)
      expect(verdict.findings).toEqual([])
    },
    SCALE.timeoutMs,
  )
})
