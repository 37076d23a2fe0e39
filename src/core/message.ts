import type { Headers } from './record.ts'

/** A decoded record in a handler's hand. */
export interface Message<T> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: T
  readonly headers: Headers
  /** The producer's time, milliseconds since the epoch. */
  readonly timestamp: number
  /** The broker's time of append, milliseconds since the epoch. */
  readonly appendedAt: number
  /** 1 at the first attempt in this process; more after a failed one. */
  readonly attempt: number
  /** Null at the first attempt in this process. */
  readonly redelivery: Redelivery | null
}

/** What is known of a message's attempts before this one. */
export interface Redelivery {
  /** Milliseconds since the epoch. */
  readonly firstAttemptAt: number
  /** What the last attempt failed with. */
  readonly lastError: unknown
}
