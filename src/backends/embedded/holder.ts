import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { placeOfProcess } from './place.ts'

/** Says in the file DIR/holder which process took LMDB's lock last: who waits for it long, waits for that one. */
export interface HolderFile {
  /** Call while holding the lock. */
  sign(): void
  close(): void
}

export interface Holder {
  readonly pid: number
  /** Whether the pid means anything here (place.ts). */
  readonly isHere: boolean
  /** When it took the lock. */
  readonly since: Date
}

const WIDTH = 96

export function openHolderFile(dir: string): HolderFile {
  const file = openSync(join(dir, 'holder'), 'a+')
  closeSync(file)
  const fd = openSync(join(dir, 'holder'), 'r+')
  const text = Buffer.from(`${process.pid} ${placeOfProcess()}`.padEnd(WIDTH, ' '))
  return {
    sign: () => void writeSync(fd, text, 0, WIDTH, 0),
    close: () => closeSync(fd),
  }
}

/** The last holder; undefined where nobody has signed. */
export function readHolder(dir: string): Holder | undefined {
  try {
    const file = join(dir, 'holder')
    const [pid = '', ...place] = readFileSync(file, 'latin1').trim().split(' ')
    const { mtime: since } = statSync(file)
    return pid === '' ? undefined : { pid: Number(pid), isHere: place.join(' ') === placeOfProcess(), since }
  } catch {
    // The pid only adorns a message; whatever hides it must not hide the message.
    return undefined
  }
}
