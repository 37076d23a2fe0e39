import type { Assignment } from '../../core/backend.ts'
import type { TopicSpec } from '../../core/topic-spec.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { ChunkPlace } from './chunk.ts'

/** What the writer thread can be asked for. Each request is atomic: all of it is committed and flushed, or nothing. */
export type Request =
  | CreateTopicRequest
  | WidenTopicRequest
  | DeleteTopicRequest
  | SweepRequest
  | BeginCompactionRequest
  | ThinRequest
  | EndCompactionRequest
  | AppendRequest
  | JoinRequest
  | TurnRequest
  | ReleaseRequest
  | LeaveRequest
  | CommitRequest
  | ResetRequest
  | DeleteGroupRequest

export interface CreateTopicRequest extends TopicSpec {
  readonly kind: 'createTopic'
  readonly incarnation: string
  readonly skewMs: number
}

export interface WidenTopicRequest {
  readonly kind: 'widenTopic'
  readonly topic: string
  readonly partitions: number
}

export interface DeleteTopicRequest {
  readonly kind: 'deleteTopic'
  readonly topic: string
}

/** A bounded step of what nobody waits for: records past their age, and those of deleted topics. */
export interface SweepRequest {
  readonly kind: 'sweep'
  readonly skewMs: number
}

interface CompactionRequest {
  readonly topicId: number
  readonly partition: number
}

/** Claims a partition for a pass of compaction. */
export interface BeginCompactionRequest extends CompactionRequest {
  readonly kind: 'beginCompaction'
  readonly skewMs: number
}

/** A bounded step of compaction: takes records out of chunks. */
export interface ThinRequest extends CompactionRequest {
  readonly kind: 'thin'
  readonly chunks: readonly { readonly lastOffset: number; readonly drop: readonly number[] }[]
  /** Of the chunks as they are now. */
  readonly bytes: number
}

export interface EndCompactionRequest extends CompactionRequest {
  readonly kind: 'endCompaction'
  /** What a complete pass found; null where it was given up. */
  readonly done: CompactionPass | null
  readonly skewMs: number
}

/** A pass of compaction, as its claim was given. */
export interface CompactionTask {
  readonly first: number
  /** Below this nothing new stands. */
  readonly from: number
  readonly end: number
  /** Tombstones below this may go. */
  readonly tombstonesBelow: number
}

export interface CompactionPass {
  readonly task: CompactionTask
  /** Every key below this stands once now. */
  readonly to: number
  /** Of the chunks between `task.from` and `to`, and what was removed of all. */
  readonly bytesAdded: number
  readonly bytesRemoved: number
  /** Left below `to`. */
  readonly tombstones: number
}

export interface AppendRequest {
  readonly kind: 'append'
  readonly topic: string
  readonly partition: number
  /** Transferred, not copied: the sender's is empty afterwards. */
  readonly buffer: ArrayBuffer
  readonly chunks: readonly ChunkPlace[]
  /** What the backend's clock is ahead of the system's. */
  readonly skewMs: number
}

/** Where a group begins: the first offsets by partition, or the edge of the log as the transaction finds it. */
export type FirstPositions = 'earliest' | 'latest' | { readonly offsets: Readonly<Record<number, number>> }

interface MemberRequest {
  readonly group: string
  readonly topic: string
  readonly member: string
}

export interface JoinRequest extends MemberRequest {
  readonly kind: 'join'
  readonly from: FirstPositions
}

export interface TurnRequest extends MemberRequest {
  readonly kind: 'turn'
  readonly mayTake: boolean
}

export interface ReleaseRequest extends MemberRequest {
  readonly kind: 'release'
  readonly partitions: readonly number[]
}

export interface LeaveRequest extends MemberRequest {
  readonly kind: 'leave'
}

export interface CommitRequest extends MemberRequest {
  readonly kind: 'commit'
  readonly partition: number
  readonly epoch: number
  readonly next: number
}

export interface ResetRequest {
  readonly kind: 'reset'
  readonly group: string
  readonly topic: string
  readonly positions: readonly number[]
}

export interface DeleteGroupRequest {
  readonly kind: 'deleteGroup'
  readonly group: string
  readonly topic: string
}

export interface LeasedAssignment extends Assignment {
  readonly epoch: number
}

export interface TurnResult {
  /** The store does not know the member: it has been expired and holds nothing. */
  readonly gone: boolean
  readonly assigned: readonly LeasedAssignment[]
  readonly surplus: readonly number[]
  /** Everything the store says this member holds. */
  readonly held: readonly number[]
  readonly wanting: boolean
  /** The group's generation this turn has seen. */
  readonly generation: number
  /** It has expired others, whose partitions are free now. */
  readonly expired: boolean
}

export interface Results {
  readonly createTopic: null
  readonly widenTopic: null
  readonly deleteTopic: null
  /** Whether there is more to sweep at once. */
  readonly sweep: { readonly more: boolean }
  /** Null where there is nothing to do, or another process is at it. */
  readonly beginCompaction: CompactionTask | null
  readonly thin: { readonly bytesRemoved: number }
  readonly endCompaction: null
  readonly append: { readonly firstOffset: number; readonly topicId: number }
  readonly join: TurnResult
  readonly turn: TurnResult
  readonly release: null
  readonly leave: null
  readonly commit: null
  readonly reset: null
  readonly deleteGroup: null
}

export type ResultOf<R extends Request> = Results[R['kind']]

/** A request under way. `id` is its number and, modulo SLOTS, its slot in the shared claims. */
export interface Envelope {
  readonly id: number
  readonly request: Request
}

export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly cause?: string
}

export type Answer = { readonly id: number } & (
  | { readonly ok: true; readonly value: Results[Request['kind']] }
  | { readonly ok: false; readonly error: PlainError | 'withdrawn' }
)

/** From the writer. `opening` is sent before it first waits for LMDB's lock. */
export type WriterMessage =
  | { readonly kind: 'opening' | 'ready' | 'closed' }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }

export type WriterCommand = Envelope | 'close'

export interface WriterData {
  readonly dir: string
  readonly claims: SharedArrayBuffer
}

/*
 * A request's slot goes from WAITING to CLAIMED (by the writer, holding LMDB's lock) or to WITHDRAWN (by the sender,
 * tired of waiting), by compare-and-exchange. So a withdrawn request is known not to be written, now or later.
 */
export const SLOTS = 16_384
export const WAITING = 1
export const CLAIMED = 2
export const WITHDRAWN = 3
