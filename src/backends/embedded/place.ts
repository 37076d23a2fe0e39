import { readFileSync, readlinkSync, statfsSync } from 'node:fs'
import { DrawbridgeError } from '../../core/errors.ts'
import { type StoreWrites, getPlace, putPlace } from './documents.ts'

/*
 * A store belongs to one place at a time: one boot of one machine, one PID namespace. Pids mean nothing elsewhere (two
 * containers with the same pid would share a slot of LMDB's reader table, and one would overwrite pages the other
 * reads), and another machine shares no memory. Who finds the store in use from another place is refused; where nobody
 * uses it any more (a reboot, a container made anew) its place is taken over.
 *
 * "In use" is what LMDB knows through locks the kernel drops when a process ends, however it ends: whoever opens the
 * store alone finds an empty reader table, and every process holds a slot in it from the transaction on in which it
 * claimed its place. So nothing ever has to be cleaned up by hand, and no clock is asked. What cannot be proven: on a
 * disk whose file system does not pass on locks, two machines do not see each other at all (and LMDB fails there).
 */

/** Where this process runs; empty where the system does not tell, and then nothing is checked. */
export function placeOfProcess(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    // A system without /proc has no PID namespaces either; what stays is another machine on a shared disk.
    return ''
  }
}

/** In the first transaction of a process, before it reads: ERR_STORE_FOREIGN while `others` use the store from another place. */
export function claimPlace(store: StoreWrites, dir: string, place: string, others: readonly number[]): void {
  const found = getPlace(store)
  if (place === '' || found === place) return
  if (found !== undefined && others.length > 0) throw foreign(dir, found, place, [...new Set(others)])
  putPlace(store, place)
}

/** File systems shared between machines, by what statfs(2) calls them. */
const SHARED_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB 2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x5346414f, 'AFS'],
])

/** Name of the file system of `dir` where other machines may share it; undefined where it is one of this machine. */
export function sharedFileSystem(dir: string): string | undefined {
  return SHARED_FILE_SYSTEMS.get(statfsSync(dir).type)
}

function foreign(dir: string, found: string, place: string, pids: readonly number[]): DrawbridgeError {
  const sameBoot = found.split(' ')[0] === place.split(' ')[0]
  const where = sameBoot ? 'another container (PID namespace) of this machine' : 'another machine'
  return new DrawbridgeError(
    'ERR_STORE_FOREIGN',
    `the store in ${dir} is in use from ${where}, by process ${pids.join(', ')} there: run this ${sameBoot ? 'in that container (docker exec, or share its PID namespace)' : 'there'}, end those processes first, or use a broker with a server`,
    { details: { dir, pids, found, place, outcome: 'not-written' } },
  )
}
