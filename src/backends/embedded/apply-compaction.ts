import { now } from './apply-log.ts'
import { thinChunk } from './chunk-keys.ts'
import { type CompactionState, type StoreWrites, getCompaction, getPartition } from './documents.ts'
import { putCompaction, putPartition } from './documents.ts'
import { chunkKey } from './keys.ts'
import { CLAIM_MS, isCompactionDue, tombstonesDue } from './compaction.ts'
import { isProcessAlive, processStarted } from './process-life.ts'
import type { BeginCompactionRequest, CompactionTask, EndCompactionRequest, ThinRequest } from './requests.ts'

/*
 * Compaction in transactions. Correctness rests on no claim: a record that may be dropped may be dropped for ever, as
 * the newer one of its key is in the log, so two passes at once, or one broken off anywhere, do no harm. The claim only
 * keeps processes from doing the same work.
 */

export function applyBeginCompaction(store: StoreWrites, request: BeginCompactionRequest): CompactionTask | null {
  const { topicId, partition } = request
  const state = getPartition(store, topicId, partition)
  const before = getCompaction(store, topicId, partition)
  const time = now(request.skewMs)
  if (state === undefined || isClaimed(before) || !isCompactionDue(state, before, time)) return null
  putCompaction(store, topicId, partition, { ...before, claim: claimNow() })
  return {
    first: state.first,
    from: Math.max(before.cleanedTo, state.first),
    end: state.next,
    tombstonesBelow: tombstonesDue(before, time) ? before.settledTo : 0,
  }
}

export function applyThin(store: StoreWrites, request: ThinRequest): { bytesRemoved: number } {
  const { topicId, partition, chunks } = request
  const state = getPartition(store, topicId, partition)
  let bytesRemoved = 0
  // The topic may have been deleted, and retention or another pass may have been here first.
  if (state === undefined) return { bytesRemoved }
  for (const { lastOffset, drop } of chunks) {
    const key = chunkKey(topicId, partition, lastOffset)
    const chunk = store.get(key)
    if (chunk === undefined) continue
    const thinned = thinChunk(chunk, new Set(drop))
    // The key stays, also where its own record goes: whoever looks for an offset up to it goes on with the next chunk.
    if (thinned === null) store.remove(key)
    else if (thinned.length < chunk.length) store.put(key, thinned)
    bytesRemoved += chunk.length - (thinned?.length ?? 0)
  }
  putPartition(store, topicId, partition, { ...state, bytes: state.bytes - bytesRemoved })
  putCompaction(store, topicId, partition, { ...getCompaction(store, topicId, partition), claim: claimNow() })
  return { bytesRemoved }
}

export function applyEndCompaction(store: StoreWrites, request: EndCompactionRequest): null {
  const { topicId, partition, done } = request
  const state = getPartition(store, topicId, partition)
  if (state === undefined) return null
  const before = { ...getCompaction(store, topicId, partition), claim: null }
  if (done === null) {
    putCompaction(store, topicId, partition, before)
    return null
  }
  const { task, to, bytesAdded, bytesRemoved, tombstones } = done
  // Tombstones that still wait keep their time; otherwise every pass would put it off.
  const waiting = before.tombstones > 0 && task.tombstonesBelow === 0
  putCompaction(store, topicId, partition, {
    ...before,
    cleanedTo: Math.max(before.cleanedTo, to),
    cleanedBytes: Math.min(state.bytes, Math.max(0, before.cleanedBytes + bytesAdded - bytesRemoved)),
    tombstones,
    ...(waiting ? {} : { settledTo: Math.max(before.settledTo, to), settledAt: now(request.skewMs) }),
  })
  return null
}

function isClaimed({ claim }: CompactionState): boolean {
  if (claim === null || !isProcessAlive(claim.pid, claim.started)) return false
  const age = monotonicNow() - claim.at
  return age >= 0 && age < CLAIM_MS
}

function claimNow(): NonNullable<CompactionState['claim']> {
  return { pid: process.pid, started: processStarted(process.pid), at: monotonicNow() }
}

function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
