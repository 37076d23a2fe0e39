import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { NewRecord, StoredRecord } from './record.ts'
import type { TopicSpec } from './topic-spec.ts'

/**
 * The contract a broker's driver fulfils, and all that core knows of a broker. Every member may be called
 * concurrently; every member rejects with ERR_CLOSED after `close`. Offsets are next-to-handle everywhere: a driver
 * whose broker stores the last handled offset translates. Buffers handed out are the caller's.
 */
export interface Backend {
  readonly name: string
  readonly capabilities: Capabilities

  /**
   * Creates the topic, durably. The same spec again changes nothing; another spec is ERR_TOPIC_DIFFERS and changes
   * nothing. ERR_UNSUPPORTED where the broker has no such topic (see `capabilities`).
   */
  createTopic(spec: TopicSpec): Promise<void>
  /** What an administrator runs to make such a topic, for messages; absent where the broker has no such command. */
  creationCommand?(spec: TopicSpec): Promise<string>
  /** Adds partitions, never fewer. Producers and groups see them within 30 s; what a key maps to changes. */
  widenTopic(topic: string, partitions: number): Promise<void>
  /** Deletes the topic with its records and all groups' positions on it. ERR_GROUP_ACTIVE while a group has live members. */
  deleteTopic(topic: string): Promise<void>
  /** ERR_TOPIC_UNKNOWN where there is none. */
  describeTopic(topic: string): Promise<TopicDescription>
  /** What of the broker's settings endangers a promise, and what mends it: for `drawbridge doctor`. */
  findRisks?(): Promise<readonly { readonly found: string; readonly next: string }[]>
  /** All topics, internal ones too, sorted. */
  listTopics(): Promise<readonly string[]>

  /** The partition the broker's other clients would choose for this key. Pure, stable for ever. */
  partitionFor(key: Buffer, partitions: number): number

  /**
   * Appends in order, all or a prefix, and resolves when durable. Core has one append in flight per partition. A
   * rejection carries `details.outcome`: `not-written` or `unknown`. ERR_STORE_FULL, ERR_TOPIC_UNKNOWN, ERR_CONFIG for
   * a partition the topic has not, ERR_RECORD_TOO_LARGE above `maxRecordBytes`.
   */
  append(topic: string, partition: number, records: readonly NewRecord[]): Promise<AppendResult>

  /** Joins a group. Resolves once joined; partitions arrive through `onAssign`. */
  openFeed(options: FeedOptions): Promise<Feed>
  /** Reads ranges without a group. ERR_TOPIC_UNKNOWN. */
  openReader(options: ReaderOptions): Promise<RecordReader>

  /** Per partition the offset of the first record whose `appendedAt` is not before `timestamp` (ms); the end if none. */
  offsetsAt(topic: string, timestamp: number): Promise<readonly number[]>

  /** Known groups with the topic each has positions on. */
  listGroups(): Promise<readonly { readonly group: string; readonly topic: string }[]>
  /** ERR_GROUP_UNKNOWN where the group has neither positions nor members on the topic. */
  describeGroup(group: string, topic: string): Promise<GroupDescription>
  /** Sets the position of every partition, durably; creates the group if it is not known. ERR_GROUP_ACTIVE while it has live members. */
  resetGroup(group: string, topic: string, positions: readonly number[]): Promise<void>
  /** Forgets the group's positions on the topic, and that it was there. ERR_GROUP_ACTIVE, ERR_GROUP_UNKNOWN. */
  deleteGroup(group: string, topic: string): Promise<void>

  /** Ends every feed and reader (with revocation), then lets go of the broker. Idempotent. */
  close(): Promise<void>
}

/** What a driver is opened with, besides its URL. */
export interface BackendOptions {
  readonly log: Log
  /** False: no topic is made, also none of our own; others do that. */
  readonly create?: boolean
  /** The system's by default. Sets `appendedAt` where the backend itself is the broker. */
  readonly clock?: Clock
}

export interface Capabilities {
  /** `append` tells the first offset. */
  readonly appendOffsets: boolean
  /** Topics may be `compact`. */
  readonly compaction: boolean
  /** The broker's own bound on key + value + headers; at least MAX_RECORD_BYTES + LETTER_ROOM_BYTES. */
  readonly maxRecordBytes: number
}

export interface TopicDescription extends TopicSpec {
  /** A random id of the topic's present life; offsets mean nothing across incarnations. */
  readonly incarnation: string
  /** The broker's own settings, by its own names, for people; absent where it has none. */
  readonly configs?: Readonly<Record<string, string>>
  /** By partition number: the first offset that can still be read, and the offset after the last record. */
  readonly ranges: readonly { readonly first: number; readonly end: number }[]
}

export interface AppendResult {
  /** Offset of the first record, the rest follow one by one; null where the broker's confirm does not tell. */
  readonly firstOffset: number | null
}

/** Bounds on what one pull returns; a driver holds at most twice that ready per partition. One record is always allowed through. */
export interface PullLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

export type StartPosition =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  /** A partition not named begins at its beginning; an offset beyond the end is ERR_CONFIG. */
  | { readonly offsets: Readonly<Record<number, number>> }

export interface Assignment {
  readonly partition: number
  /** Next offset to handle. */
  readonly position: number
  /** Set when the group had a position that can no longer be served; `position` is then the first offset retained. */
  readonly lost?: { readonly position: number | null }
}

/**
 * What a feed tells its holder. Calls never overlap for one partition: assign, then revoke or lost, then perhaps assign
 * again. A position that retention passes while it is held is lost, and assigned again with `lost` set.
 */
export interface FeedOptions {
  readonly group: string
  readonly topic: string
  /** Resolved once, and committed before the partition's first `onAssign`; a partition that appears later starts at its beginning. */
  readonly from: StartPosition
  readonly limits: PullLimits
  onAssign(assignment: Assignment): void
  /** Awaited before the driver lets the partitions go; `commit` still works inside. Pending pulls have resolved to []. */
  onRevoke(partitions: readonly number[]): Promise<void>
  /** The partitions are somebody else's already: commits are ERR_FENCED. */
  onLost(partitions: readonly number[]): void
  /** The feed cannot go on and will not mend itself; all its partitions are lost. */
  onFailed(error: Error): void
}

export interface Feed {
  /** Another one after a rejoin. */
  readonly memberId: string
  /**
   * The next records of an assigned partition in offset order; waits until there is one, also over faults that mend. Resolves to []
   * once the partition is revoked, lost or the feed closed; rejects only for good. One pull at a time per partition (a second is
   * ERR_CONFIG).
   */
  pull(partition: number): Promise<readonly StoredRecord[]>
  /**
   * Sets the group's position durably. ERR_FENCED when the partition is no longer this member's: nothing is changed then, and
   * `onLost` follows unless the loss has been told; a partition that is this member's after all is then assigned anew.
   */
  commit(partition: number, next: number): Promise<void>
  /**
   * True when this member has not been heard of for as long as a session lasts (the process was paused), so that others
   * may have its partitions without it knowing: no handler is begun until it is false again or `onLost` has told.
   */
  isStale?(): boolean
  /** Revokes what is held (awaiting `onRevoke`), then leaves the group. Idempotent. */
  close(): Promise<void>
}

export interface ReaderOptions {
  readonly topic: string
  /** Half-open [from, to); without `to` the range is live. `from` below the first retained offset starts there. */
  readonly ranges: readonly { readonly partition: number; readonly from: number; readonly to?: number }[]
  readonly limits: PullLimits
}

export interface RecordReader {
  /** As Feed.pull, but null at the end of the range: `to` reached, or proof that nothing is left below it. [] once closed; rejects when the broker fails. */
  pull(partition: number): Promise<readonly StoredRecord[] | null>
  close(): Promise<void>
}

export interface GroupDescription {
  readonly group: string
  readonly topic: string
  /** Live members and the partitions each holds. */
  readonly members: readonly { readonly id: string; readonly partitions: readonly number[] }[]
  /** By partition number; null where the group has no position yet (lag then counts from the first record). */
  readonly positions: readonly { readonly next: number | null; readonly end: number; readonly lag: number }[]
}
