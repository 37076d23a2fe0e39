import { readFileSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MAP_BYTES } from './lmdb.ts'
import type { Request } from './requests.ts'

/** What an append leaves free besides its own size, for the pages that a transaction copies. */
const APPEND_MARGIN_BYTES = 1_048_576
/** Positions and leases go on for a while when appends are refused already. */
const SMALL_MARGIN_BYTES = 262_144
/** A short write at the end of a disk reaches us as EIO (LMDB's mdb_page_flush). Below this many bytes we call it full. */
const NEARLY_FULL_BYTES = 1_048_576

/**
 * Bytes by which the store can still grow: what its disk has left, and what the process's limit on a file's size and
 * LMDB's map leave.
 * LMDB is not to find out by itself: lmdb 3.5.6 corrupts its heap when a page cannot be written (seen: SIGABRT in 4 of 4
 * runs on a full 2 MB disk).
 */
export function roomIn(dir: string): number {
  const { bavail, bsize } = statfsSync(dir)
  const data = statSync(join(dir, 'data.mdb'), { throwIfNoEntry: false })
  return Math.min(bavail * bsize, Math.min(fileSizeLimit(), MAP_BYTES) - (data?.size ?? 0))
}

/** Bytes that have to be free before these requests are begun. */
export function roomNeeded(requests: readonly Request[]): number {
  const bytes = requests.reduce((sum, request) => sum + bytesWritten(request), 0)
  return bytes === 0 ? SMALL_MARGIN_BYTES : APPEND_MARGIN_BYTES + 2 * bytes
}

function bytesWritten(request: Request): number {
  if (request.kind === 'append') return request.buffer.byteLength
  return request.kind === 'thin' ? request.bytes : 0
}

export function isNearlyFull(dir: string): boolean {
  return roomIn(dir) < NEARLY_FULL_BYTES
}

let limit: number | undefined

/** Bytes, from proc(5) limits, read once; Infinity where there is none or the system does not tell. */
function fileSizeLimit(): number {
  limit ??= readFileSizeLimit()
  return limit
}

function readFileSizeLimit(): number {
  try {
    const limit = /^Max file size +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    // Without /proc a short write at the limit stays what LMDB calls it, an input/output error.
    return Number.POSITIVE_INFINITY
  }
}
