import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const CLONE = fileURLToPath(new URL('../..', import.meta.url))

/** Where software and running brokers are kept, outside every clone: DRAWBRIDGE_CACHE, else a folder of the user's cache. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { DRAWBRIDGE_CACHE: own, XDG_CACHE_HOME: xdg } = env
  if (own !== undefined && own !== '') return resolve(own)
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'drawbridge', 'brokers')
}

/** The place of a piece of software, whole or absent: see `fillEntry`. */
export function entryFolder(name: string): string {
  return join(cacheFolder(), name)
}

/** Where this clone's brokers run. Clones share software, never brokers. */
export function runFolder(clone: string = CLONE): string {
  const mark = createHash('sha256').update(resolve(clone)).digest('hex').slice(0, 8)
  return join(runsFolder(), `${basename(clone).replaceAll(/[^a-zA-Z0-9._-]/g, '_')}-${mark}`)
}

/** Holds a folder per clone. */
export function runsFolder(): string {
  return join(cacheFolder(), 'run')
}

const FILLING = '.filling-'

/**
 * Fills an entry of the cache unless it is there. It is filled aside and renamed when whole, so one cut short is never
 * taken for whole; what such a one left is removed. Only under the lock of the cache.
 */
export async function fillEntry(name: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = entryFolder(name)
  if (existsSync(target)) return
  await mkdir(cacheFolder(), { recursive: true })
  for (const left of await readdir(cacheFolder())) {
    if (left.startsWith(`${name}${FILLING}`)) await remove(join(cacheFolder(), left))
  }
  const aside = `${target}${FILLING}${randomUUID().slice(0, 8)}`
  await mkdir(aside)
  try {
    await fill(aside)
  } catch (error) {
    await remove(aside)
    throw error
  }
  await rename(aside, target)
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
