import { applyCommit, applyJoin, applyLeave, applyRelease, applyTurn } from './apply-group.ts'
import { applyBeginCompaction, applyEndCompaction, applyThin } from './apply-compaction.ts'
import { applyAppend } from './apply-log.ts'
import { applyDeleteGroup, applyReset } from './apply-reset.ts'
import { applyCreateTopic, applyDeleteTopic, applyWidenTopic } from './apply-topic.ts'
import { applySweep } from './sweep.ts'
import type { StoreWrites } from './documents.ts'
import type { Request, Results } from './requests.ts'

/**
 * Carries out one request inside the running transaction. Every request checks before it writes: when it throws a
 * DrawbridgeError it has written nothing, and its neighbours in the transaction go on.
 */
export function applyRequest(store: StoreWrites, request: Request, dir: string): Results[Request['kind']] {
  switch (request.kind) {
    case 'createTopic':
      return applyCreateTopic(store, request)
    case 'widenTopic':
      return applyWidenTopic(store, request, dir)
    case 'deleteTopic':
      return applyDeleteTopic(store, request, dir)
    case 'sweep':
      return applySweep(store, request)
    case 'beginCompaction':
      return applyBeginCompaction(store, request)
    case 'thin':
      return applyThin(store, request)
    case 'endCompaction':
      return applyEndCompaction(store, request)
    case 'append':
      return applyAppend(store, request, dir)
    case 'join':
      return applyJoin(store, request, dir)
    case 'turn':
      return applyTurn(store, request, dir)
    case 'release':
      return applyRelease(store, request, dir)
    case 'leave':
      return applyLeave(store, request, dir)
    case 'commit':
      return applyCommit(store, request, dir)
    case 'reset':
      return applyReset(store, request, dir)
    case 'deleteGroup':
      return applyDeleteGroup(store, request, dir)
  }
}
