import { createHash } from 'node:crypto'
import { type FileHandle, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DrawbridgeError, errorText } from '../../src/core/errors.ts'
import { REJECTED_SUFFIX } from './rejected.ts'

/** How far reading of one file has come; part of the checkpoint. */
export interface FileState {
  /** First byte that is not yet acknowledged, and the line it is on. */
  readonly offset: number
  readonly line: number
  /** The last row had no line ending. */
  readonly unterminated: boolean
  /** The file's first bytes and those before `offset`: a file that was replaced or rewritten is noticed by them, also after a move to another disk. */
  readonly head: Fingerprint
  readonly before: Fingerprint
}

export interface Fingerprint {
  readonly bytes: number
  readonly sha256: string
}

const FINGERPRINT_BYTES = 4_096

/** The files a path with * and ? in its last part names, sorted; ERR_SOURCE_INPUT when the folder, or the one file named, is not there. */
export async function listFiles(path: string, missing: 'refuse' | 'wait'): Promise<readonly string[]> {
  const folder = dirname(path)
  const pattern = new RegExp(
    `^${basename(path)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  )
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new DrawbridgeError('ERR_SOURCE_INPUT', `folder ${folder} cannot be read: ${errorText(error)}`, {
      cause: error,
      details: { folder },
    })
  })
  const names = entries
    .filter(
      (entry) =>
        !entry.isDirectory() &&
        pattern.test(entry.name) &&
        !entry.name.startsWith('.') &&
        !entry.name.endsWith(REJECTED_SUFFIX),
    )
    .map((entry) => entry.name)
  if (names.length === 0 && missing === 'refuse' && !/[*?]/.test(basename(path))) {
    throw new DrawbridgeError('ERR_SOURCE_INPUT', `${path} is not there; put it there, or correct the path`, {
      details: { file: path },
    })
  }
  return names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map((name) => join(folder, name))
}

/** Up to 4 KiB from the start, and up to 4 KiB before `offset`. */
export async function fingerprints(handle: FileHandle, offset: number): Promise<Pick<FileState, 'head' | 'before'>> {
  const bytes = Math.min(offset, FINGERPRINT_BYTES)
  return { head: await fingerprint(handle, 0, bytes), before: await fingerprint(handle, offset - bytes, bytes) }
}

/** ERR_SOURCE_INPUT unless the file still begins and stands as it did when `state` was saved. */
export async function checkUnchanged(handle: FileHandle, file: string, state: FileState): Promise<void> {
  const { size } = await handle.stat()
  const refuse = (what: string): never => {
    throw new DrawbridgeError(
      'ERR_SOURCE_INPUT',
      `${file} ${what} since it was read up to byte ${state.offset} (line ${state.line}); put the old file back, or give the new content another name and it is read from its beginning`,
      {
        details: { file, offset: state.offset, line: state.line, size },
      },
    )
  }
  if (size < state.offset) refuse(`has shrunk to ${size} bytes`)
  const head = await fingerprint(handle, 0, state.head.bytes)
  const before = await fingerprint(handle, state.offset - state.before.bytes, state.before.bytes)
  if (head.sha256 !== state.head.sha256 || before.sha256 !== state.before.sha256) refuse('was replaced or rewritten')
  if (state.unterminated && size > state.offset) {
    const next = await readAt(handle, state.offset, 2)
    if (next[0] !== 0x0a && !(next[0] === 0x0d && next[1] === 0x0a))
      refuse('has grown in the middle of its last line, which was taken as a whole row,')
  }
}

/** Fewer bytes only at the end of the file. */
export async function readAt(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

async function fingerprint(handle: FileHandle, position: number, bytes: number): Promise<Fingerprint> {
  const content = await readAt(handle, position, bytes)
  return { bytes, sha256: createHash('sha256').update(content).digest('base64url') }
}
