import { open, type RootDatabase } from 'lmdb'

export type Lmdb = RootDatabase<Buffer, Uint8Array>

/**
 * Address space, not disk: the file grows with what is written. All processes use the same number, so that no
 * process meets a map that another one has outgrown. Its end counts as the end of the disk (room.ts).
 */
export const MAP_BYTES = 2 ** 40

/**
 * Opens the environment in `dir`, creating it unless `readOnly`. One process shares one environment between its
 * threads: the writer thread opens it for writing first, so that opening it here again never waits for LMDB's lock.
 * Without overlappingSync a synchronous transaction has been fsynced when it returns (lmdb 3.5.6; seen with strace).
 */
export function openLmdb(dir: string, options: { readonly readOnly: boolean }): Lmdb {
  return open<Buffer, Uint8Array>({
    path: dir,
    noSubdir: false,
    readOnly: options.readOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    mapSize: MAP_BYTES,
    maxReaders: 1024,
    maxDbs: 1,
    overlappingSync: false,
  })
}
