import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { decodeGroup } from './group-code.ts'
import { ALL_GROUPS, groupOfKey } from './keys.ts'
import { type Lmdb, openLmdb } from './lmdb.ts'
import { sharedFileSystem } from './place.ts'
import { type ProcessPortrait, isProcessAlive, portrayProcess } from './process-life.ts'
import { type ReaderSlot, readerTable } from './reader-table.ts'
import { allTopics, createReadStore } from './reading.ts'

/** What people have to know of a store whose processes do not do what they should. */
export interface StoreInspection {
  /** Of the file, of the pages in use in it, and the address space kept for it. */
  readonly fileBytes: number
  readonly usedBytes: number
  readonly mapBytes: number
  /** Set where the file system is one that machines share. */
  readonly sharedFileSystem: string | undefined
  /** Processes that have the store open and have read from it, this one left out. */
  readonly processes: readonly ProcessPortrait[]
  /** Readers that keep an old state: what is written meanwhile cannot use its pages again, and the file grows. */
  readonly staleReaders: readonly StaleReader[]
  /** Members of groups whose process is stopped or gone. */
  readonly silentMembers: readonly SilentMember[]
}

export interface StaleReader extends ProcessPortrait {
  /** Transactions written since the state it reads. */
  readonly behind: number
}

export interface SilentMember extends ProcessPortrait {
  readonly group: string
  readonly topic: string
}

/** A read takes a few milliseconds; who still reads the same state after this time, hangs. */
const STALE_MS = 500

/** Looks at a store that this process has open (opening it elsewhere has its perils: turnstile.ts, place.ts). Writes nothing. */
export async function inspectStore(dir: string): Promise<StoreInspection> {
  const db = openLmdb(dir, { readOnly: true })
  try {
    const before = slotsOfOthers(db)
    if (before.some(({ txn }) => txn !== null)) await setTimeout(STALE_MS)
    const slots = slotsOfOthers(db)
    const { lastTxnId, ...size } = sizeOf(db)
    const stale = slots.filter(({ pid, txn }) => txn !== null && before.some((b) => b.pid === pid && b.txn === txn))
    return {
      fileBytes: statSync(join(dir, 'data.mdb')).size,
      ...size,
      sharedFileSystem: sharedFileSystem(dir),
      processes: [...new Set(slots.map(({ pid }) => pid))].map(portrayProcess),
      staleReaders: stale.map(({ pid, txn }) => ({ ...portrayProcess(pid), behind: lastTxnId - (txn ?? 0) })),
      silentMembers: silentMembers(db),
    }
  } finally {
    await db.close()
  }
}

function slotsOfOthers(db: Lmdb): readonly ReaderSlot[] {
  return readerTable(db).filter(({ pid }) => pid !== process.pid)
}

interface TreeStats {
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

function sizeOf(db: Lmdb): { usedBytes: number; mapBytes: number; lastTxnId: number } {
  const { root, mapSize, lastTxnId } = db.getStats() as { root: TreeStats; mapSize: number; lastTxnId: number }
  const pages = root.treeBranchPageCount + root.treeLeafPageCount + root.overflowPages
  return { usedBytes: pages * root.pageSize, mapBytes: mapSize, lastTxnId }
}

function silentMembers(db: Lmdb): readonly SilentMember[] {
  return createReadStore(db)((snapshot) => {
    const names = new Map(allTopics(snapshot).map(([name, { id }]) => [id, name]))
    return Array.from(snapshot.range(ALL_GROUPS)).flatMap(({ key, value }) => {
      const { group, topicId } = groupOfKey(key)
      return Object.values(decodeGroup(value).members).flatMap(({ pid, started }) => {
        const portrait = portrayProcess(pid)
        const state = isProcessAlive(pid, started) ? portrait.state : 'gone'
        if (state === 'running') return []
        return [{ ...portrait, state, group, topic: names.get(topicId) ?? 'a deleted topic' } as const]
      })
    })
  })
}
