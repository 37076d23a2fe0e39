import { afterEach, describe, expect } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../kit/process.ts'
import { testUnless } from '../kit/skip.ts'
import { growDisk, mayMount, mountDisk, unmountDisks } from './small-disk.ts'

const program = fileURLToPath(new URL('./programs/fill-disk.ts', import.meta.url))

afterEach(unmountDisks)

describe('promise: acknowledged is durable', () => {
  // Each size meets the end of the disk in another place of LMDB's transaction.
  for (const bytes of [300, 2_000, 3_000, 8_000, 100_000]) {
    testUnless(
      mayMount ? undefined : 'only root may mount a disk of its own size',
      `a-full-disk-refuses-and-goes-on-when-there-is-room (records of ${bytes} bytes)`,
      async () => {
        const disk = mountDisk('3m')
        const filling = startProcess(program, { args: [disk, String(bytes)] })
        const full = await filling.message<{ full?: number; outcome?: string }>(
          (said) => said.full !== undefined,
          'the store is full',
          60_000,
        )
        expect(full.outcome).toBe('not-written')
        expect(full.full).toBeGreaterThan(3)
        growDisk(disk, '32m')
        filling.write('go on\n')
        const { code } = await filling.ended
        expect({ code, stderr: filling.stderr() }).toEqual({ code: 0, stderr: '' })
        const last = filling.messages().at(-1) as { end: number; acknowledged: number }
        expect(last.acknowledged).toBe((full.full ?? 0) + 10)
        expect(last.end).toBe(last.acknowledged)
      },
    )
  }
})
