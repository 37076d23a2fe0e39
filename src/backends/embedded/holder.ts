import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Says in the file DIR/holder which process took LMDB's lock last: who waits for it long, waits for that one. */
export interface HolderFile {
  /** Call while holding the lock. */
  sign(): void
  close(): void
}

const WIDTH = 16

export function openHolderFile(dir: string): HolderFile {
  const file = openSync(join(dir, 'holder'), 'a+')
  closeSync(file)
  const fd = openSync(join(dir, 'holder'), 'r+')
  const text = Buffer.from(String(process.pid).padEnd(WIDTH, ' '))
  return {
    sign: () => void writeSync(fd, text, 0, WIDTH, 0),
    close: () => closeSync(fd),
  }
}

/** Pid of the last holder; undefined where nobody has signed. */
export function readHolder(dir: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(dir, 'holder'), 'latin1'), 10)
    return Number.isNaN(pid) ? undefined : pid
  } catch {
    // The pid only adorns a message; whatever hides it must not hide the message.
    return undefined
  }
}
