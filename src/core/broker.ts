import type { GroupDescription, TopicDescription } from './backend.ts'
import type { Message } from './message.ts'
import type { Headers } from './record.ts'
import type { Topic } from './topic.ts'

/** Where to begin: a plain offset where the topic has one partition, else offsets by partition; ISO text or Date for a time (`appendedAt`). */
export type From =
  | 'earliest'
  | 'latest'
  | number
  | { readonly offsets: Readonly<Record<number, number>> }
  | { readonly timestamp: string | Date | number }
/** Where to end, exclusive. `end` is the end when the read was opened; absent: never. */
export type To =
  | 'end'
  | number
  | { readonly offsets: Readonly<Record<number, number>> }
  | { readonly timestamp: string | Date | number }

export interface SendOptions {
  /** Instead of the topic's key function; null for no key. */
  readonly key?: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string | Uint8Array | null>> | Headers
  /** Producer's time, milliseconds since the epoch; now if absent. */
  readonly timestamp?: number
  /** Overrides the partition the key would choose. */
  readonly partition?: number
}

export interface Receipt {
  readonly partition: number
  /** Null where the broker's confirm does not tell it. */
  readonly offset: number | null
}

export interface ProducerOptions {
  /** How long a record may wait for company, milliseconds (0: goes with what has gathered while the last batch was under way). */
  readonly lingerMs?: number
  /** Largest batch per partition (default 1,000 records). */
  readonly maxBatchRecords?: number
  /** Records and bytes accepted and not yet acknowledged (default 20,000 and 64 MiB); beyond them `send` is ERR_BUFFER_FULL. */
  readonly maxBufferedRecords?: number
  readonly maxBufferedBytes?: number
}

export interface Producer<T> extends AsyncDisposable {
  /**
   * Resolves when the record is durable. Rejections: ERR_VALUE_INVALID, ERR_RECORD_TOO_LARGE, ERR_BUFFER_FULL (nothing was
   * written), or the broker's error with `details.outcome` `not-written` or `unknown`. Order of calls is order in the log, per partition.
   */
  send(value: T, options?: SendOptions): Promise<Receipt>
  /** Sends all, pulling from the source only as fast as the broker takes; resolves to how many when all are durable. The first rejection stops it. */
  sendAll(values: Iterable<T> | AsyncIterable<T>): Promise<number>
  /** Resolves when everything accepted so far is acknowledged or rejected. */
  flush(): Promise<void>
  /** Flushes, then refuses further sends with ERR_CLOSED. */
  close(): Promise<void>
}

export interface RetryOptions {
  /** Attempts in all, the first one included (default 5). */
  readonly attempts?: number
  /** Delay before the second attempt; doubles, with jitter, up to `maxDelayMs` (defaults 200 and 30,000). */
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
  /** No further attempt is made after this long since the first (default 5 min). */
  readonly maxRetryMs?: number
}

export interface SubscribeOptions {
  /** Members of one group share the partitions and one position per partition. */
  readonly group: string
  /** Where a new group begins (default `earliest`). Resolved once. */
  readonly from?: From
  /** Handlers running at once in this member, each for another key (default 1). */
  readonly concurrency?: number
  /** Records and bytes in hand per partition, from the oldest unfinished record (default 1,000 and 16 MiB); one record always fits. */
  readonly maxInFlight?: number
  readonly maxInFlightBytes?: number
  /**
   * How long one attempt may take, milliseconds (default: no limit). Past it the handler's signal aborts and the attempt has failed with
   * ERR_HANDLER_TIMEOUT; a handler that does not obey its signal may then overlap the next attempt.
   */
  readonly handlerTimeoutMs?: number
  readonly retry?: RetryOptions
  /**
   * What becomes of a record that cannot be decoded, is rejected, or failed its last attempt. `dead-letter` (default): a letter, then on.
   * `stop`: the subscription fails and the position stays before the record. `continue`: it is logged and passed, without a letter.
   */
  readonly onFailure?: 'dead-letter' | 'stop' | 'continue'
  /** `at-most-once` commits before the handler runs (default `at-least-once`). */
  readonly delivery?: 'at-least-once' | 'at-most-once'
  /** When a known position cannot be served any more (default `earliest`, logged). */
  readonly onPositionLost?: 'earliest' | 'stop'
  /** How long `stop` and a revocation wait for running handlers, milliseconds (default 30,000). */
  readonly drainTimeoutMs?: number
}

export interface BatchOptions extends Omit<SubscribeOptions, 'delivery' | 'concurrency'> {
  /** A batch closes at this many records (default 500), bytes (default 4 MiB), or this long after its first record (default 1,000 ms). */
  readonly maxBatchRecords?: number
  readonly maxBatchBytes?: number
  readonly maxBatchWaitMs?: number
}

/** Returning finishes the record; throwing retries it and at last makes it a letter. The signal aborts when the result no longer counts. */
export type Handler<T> = (message: Message<T>, signal: AbortSignal) => Promise<void> | void
/** As Handler, for consecutive messages of one partition: all finish together, or all are retried. */
export type BatchHandler<T> = (messages: readonly Message<T>[], signal: AbortSignal) => Promise<void> | void

export type SubscriptionState = 'RUNNING' | 'BLOCKED' | 'DRAINING' | 'STOPPED' | 'FAILED'

export interface SubscriptionStatus {
  readonly state: SubscriptionState
  readonly partitions: readonly PartitionStatus[]
}

export interface PartitionStatus {
  readonly partition: number
  /** Next offset to handle, as far as finished without a gap. */
  readonly position: number
  readonly inFlight: number
  /** Being given up: running handlers finish, nothing new is begun. */
  readonly draining: boolean
  /** Set while the window is full behind a record that is being retried. */
  readonly blockedBy?: { readonly offset: number; readonly key: Buffer | null; readonly attempt: number }
}

export interface Subscription extends AsyncDisposable {
  readonly group: string
  readonly memberId: string
  status(): SubscriptionStatus
  /** Resolves after `stop`, or when the group's replay has come to its end; rejects when the subscription failed. */
  readonly done: Promise<void>
  /** Stops intake, lets running handlers finish within the drain time, commits, leaves the group. Past it: ERR_DRAIN_DEADLINE. */
  stop(): Promise<void>
}

export interface ReadOptions {
  /** Default `earliest`. */
  readonly from?: From
  readonly to?: To
  readonly signal?: AbortSignal
}

/** Half-open, in offsets. */
export interface PartitionRange {
  readonly partition: number
  readonly from: number
  readonly to: number
}

export interface CountOptions extends ReadOptions {
  /** Told from time to time how many records have been counted. */
  onCounted?(records: number): void
}

export interface ReplayOptions {
  readonly from: From
  /** Default `end`, as it is now. */
  readonly to?: To
  /** Checks everything and changes nothing. */
  readonly dryRun?: boolean
}

export interface GroupStatus extends GroupDescription {
  /** What the group replays, by partition number; absent where it goes on for ever. */
  readonly replay?: readonly PartitionRange[]
}

/** A connection to one broker. */
export interface Broker extends AsyncDisposable {
  /** Creates the topic and registers its schema under `NAME-value`; the same again changes nothing, a difference is ERR_TOPIC_DIFFERS or ERR_SCHEMA_INCOMPATIBLE. */
  declare<T>(topic: Topic<T>): Promise<void>
  /** The topic as broker and registry know it, for tools without the typed declaration. ERR_TOPIC_UNKNOWN. */
  topic(name: string): Promise<Topic<unknown>>
  producer<T>(topic: Topic<T>, options?: ProducerOptions): Producer<T>
  subscribe<T>(topic: Topic<T>, options: SubscribeOptions, handler: Handler<T>): Promise<Subscription>
  subscribeBatches<T>(topic: Topic<T>, options: BatchOptions, handler: BatchHandler<T>): Promise<Subscription>
  /** Reads without a group: per partition in order, bounded or live. A record that cannot be decoded ends it with ERR_UNDECODABLE naming the place. */
  read<T>(topic: Topic<T>, options?: ReadOptions): AsyncIterable<Message<T>>
  readonly topics: {
    list(): Promise<readonly string[]>
    describe(name: string): Promise<TopicDescription>
    /** Adds partitions. What a key maps to changes, so order of a key holds only from here on. */
    widen(name: string, partitions: number): Promise<void>
    /** Deletes the topic, its records and all groups' positions on it; its schemas stay. ERR_GROUP_ACTIVE. */
    delete(name: string): Promise<void>
    /** Counts the records of a range (default: all there are now) by reading them: offsets may have gaps. ERR_ABORTED. */
    count(name: string, options?: CountOptions): Promise<readonly (PartitionRange & { readonly records: number })[]>
  }
  readonly groups: {
    list(): Promise<readonly { readonly group: string; readonly topic: string }[]>
    describe(group: string, topic: string | Topic<never>): Promise<GroupStatus>
    /** Moves an idle group, and ends its replay if there was one. ERR_GROUP_ACTIVE while it has live members. */
    reset(group: string, topic: string | Topic<never>, options: { readonly to: From | 'end' }): Promise<void>
    /** Forgets the group's positions; it begins anew when it comes again. ERR_GROUP_ACTIVE, ERR_GROUP_UNKNOWN. */
    delete(group: string, topic: string | Topic<never>): Promise<void>
    /**
     * Makes an idle group, which may be a new one, handle exactly `[from, to)`, whatever it handled before: its members
     * end by themselves (`done` resolves) when the whole group has come there, also after restarts. Durable until the group
     * is replayed, reset or deleted. No other group is touched. Resolves to the range. ERR_GROUP_ACTIVE; ERR_CONFIG for an
     * offset that the topic has not, or has no longer.
     */
    replay(group: string, topic: string | Topic<never>, options: ReplayOptions): Promise<readonly PartitionRange[]>
  }
  /** Stops subscriptions (draining), flushes producers, ends readers, lets go of the broker. Idempotent. */
  close(): Promise<void>
}
