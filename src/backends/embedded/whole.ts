import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Lmdb } from './lmdb.ts'

/** LMDB's two meta pages, by the smallest page it uses. */
const META_BYTES = 2 * 4_096
/** Pages at the end that LMDB may have counted and never written, because their transaction gave them up again. */
const UNWRITTEN_PAGES = 256

/** Before opening: LMDB 3.5.6 dies by SIGSEGV of a file without whole meta pages. An empty one is a new store. ERR_STORE_FAILED. */
export function checkBeginning(dir: string): void {
  const bytes = sizeOf(dir)
  if (bytes > 0 && bytes < META_BYTES) throw cutShort(dir, bytes, META_BYTES)
}

/** After opening, while nobody writes: reading pages that are not there would end the process by SIGBUS. ERR_STORE_FAILED. */
export function checkEnd(dir: string, db: Lmdb): void {
  const { lastPageNumber, pageSize } = db.getStats() as { lastPageNumber: number; pageSize: number }
  const bytes = sizeOf(dir)
  const expected = (lastPageNumber + 1) * pageSize
  if (lastPageNumber > 1 && bytes < expected - UNWRITTEN_PAGES * pageSize) throw cutShort(dir, bytes, expected)
}

function sizeOf(dir: string): number {
  return statSync(join(dir, 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0
}

function cutShort(dir: string, bytes: number, expected: number): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_STORE_FAILED',
    `the store in ${dir} is a copy that was cut short: data.mdb has ${bytes} bytes where ${expected} belong; copy it anew while no process uses the original`,
    { details: { dir, bytes, expected, outcome: 'not-written' } },
  )
}
