import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Text of every .ts file by its path from the project's root, with forward slashes. */
export type SourceTree = ReadonlyMap<string, string>

/** Reads the .ts files of these folders; a folder that does not exist (yet) is empty. */
export async function readTree(...folders: readonly string[]): Promise<SourceTree> {
  const tree = new Map<string, string>()
  for (const folder of folders) {
    for (const path of await filesUnder(folder)) {
      if (path.endsWith('.ts')) tree.set(path, await readFile(path, 'utf8'))
    }
  }
  return tree
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
}
