import { randomUUID } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { partName } from './ledger.ts'

/** Collected before it is written, so that a file of many rows takes few system calls. */
const CHUNK_CHARACTERS = 262_144

/**
 * Writes a file that appears under its name only when it is whole and on disk: written aside, flushed, renamed, and the
 * folder flushed. When it rejects, there is no such file (or, if only the folder's flush failed, it may be there).
 */
export async function writeFileWhole(
  directory: string,
  name: string,
  lines: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const part = join(directory, partName(name, randomUUID()))
  const handle = await open(part, 'wx')
  try {
    try {
      let text = ''
      for (const line of lines) {
        text += line
        if (text.length < CHUNK_CHARACTERS) continue
        await handle.appendFile(text)
        text = ''
      }
      await handle.appendFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // The partition may have become another copy's meanwhile: then this file must not appear.
    signal.throwIfAborted()
    await rename(part, join(directory, name))
  } catch (error) {
    await unlink(part).catch(() => undefined)
    throw error
  }
  await syncFolder(directory)
}

async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
