import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../kit/temp-dir.ts'

/** Whether disks of any size can be mounted here. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0

const mounted: string[] = []

/** An empty disk of this size, as mount(8) writes sizes. */
export function mountDisk(size: string): string {
  const folder = join(tempDir(), 'disk')
  mkdirSync(folder)
  run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)
  mounted.push(folder)
  return folder
}

export function growDisk(folder: string, size: string): void {
  run('mount', '-o', `remount,size=${size}`, folder)
}

export function unmountDisks(): void {
  for (const folder of mounted.splice(0)) spawnSync('umount', ['--lazy', folder])
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.toString()}`)
}
