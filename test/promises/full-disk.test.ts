import { afterEach, describe, expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../kit/process.ts'
import { testUnless } from '../kit/skip.ts'
import { tempDir } from '../kit/temp-dir.ts'

const program = fileURLToPath(new URL('./programs/fill-disk.ts', import.meta.url))
const mounted: string[] = []
const mayMount = process.platform === 'linux' && process.getuid?.() === 0

afterEach(() => {
  for (const folder of mounted.splice(0)) spawnSync('umount', ['--lazy', folder])
})

function mountDisk(): string {
  const folder = join(tempDir(), 'disk')
  mkdirSync(folder)
  run('mount', '-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder)
  mounted.push(folder)
  return folder
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.toString()}`)
}

describe('promise: acknowledged is durable', () => {
  // Each size meets the end of the disk in another place of LMDB's transaction.
  for (const bytes of [300, 2_000, 3_000, 8_000, 100_000]) {
    testUnless(
      mayMount ? undefined : 'only root may mount a disk of its own size',
      `a-full-disk-refuses-and-goes-on-when-there-is-room (records of ${bytes} bytes)`,
      async () => {
        const disk = mountDisk()
        const filling = startProcess(program, { args: [disk, String(bytes)] })
        const full = await filling.message<{ full?: number; outcome?: string }>(
          (said) => said.full !== undefined,
          'the store is full',
          60_000,
        )
        expect(full.outcome).toBe('not-written')
        expect(full.full).toBeGreaterThan(3)
        run('mount', '-o', 'remount,size=32m', disk)
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
