import { join } from 'node:path'
import { open } from 'lmdb'

/*
 * lmdb 3.5.6 takes the number of the newest transaction from the file when it opens an environment, and writes it into
 * the memory all processes share a little later, without any lock (mdb_env_open2; OpenLDAP ITS#9496). A transaction that
 * another process commits between the two is forgotten: the next one starts from its predecessor and overwrites it, though
 * it was acknowledged. So nobody opens the store while somebody writes: both pass this turnstile, a second environment
 * without data, of which only the lock is used. It has LMDB's care for owners that die.
 */
export interface Turnstile {
  /** Runs while no other process opens the store or writes to it. */
  pass<T>(run: () => T): T
  close(): Promise<void>
}

const MAP_BYTES = 2 ** 20

/** Opening this one is harmless: nothing is ever committed to it. */
export function openTurnstile(dir: string): Turnstile {
  const db = open({
    path: join(dir, 'turnstile'),
    noSubdir: false,
    mapSize: MAP_BYTES,
    maxDbs: 1,
    overlappingSync: false,
  })
  return {
    pass: (run) => db.transactionSync(run),
    close: () => db.close(),
  }
}
