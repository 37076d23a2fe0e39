import type { Backend } from '../../src/core/backend.ts'
import type { Headers } from '../../src/core/record.ts'

/** A broker as the suite needs it: how to reach it, what it deviates in, and what the contract gives no way to do. */
export interface BackendUnderTest {
  readonly name: string
  /** The variable that names a running broker; null where the suite makes its own. */
  readonly variable: string | null
  /** A URL for one test file: of the running broker, or of a new store. */
  createUrl(): string
  /** For a backend that no URL names. */
  open?(): Promise<Backend>
  /** Deviations, as `THEME: TEST`. Each is printed with its reason; a name that no test has fails the run. */
  readonly skip: readonly { readonly test: string; readonly reason: string }[]
  readonly hooks: Hooks
}

/** What a reader must see of a record that a foreign client wrote; what is absent is not laid down. */
export interface ForeignRecord {
  readonly value: Buffer | null
  readonly key?: Buffer | null
  readonly headers?: Headers
}

export interface PartitionOfTopic {
  readonly url: string
  readonly topic: string
  readonly partition: number
}

/** What only this broker's own clients and tools can do. Not part of the contract. */
export interface Hooks {
  /** Keys with the partition, of ten, that the broker's other clients choose. */
  readonly keys: readonly (readonly [key: string, partition: number])[]
  /**
   * Makes the broker's retention pass `below`, in a topic that was created with `retentionBytes: EXPIRING_BYTES`. May append.
   * The topic's first offset is at or above `below` afterwards.
   */
  expire(backend: Backend, topic: string, partition: number, below: number): Promise<void>
  /** Appends what a foreign client would: headers of every type it has, null values, odd bytes. */
  foreign(place: PartitionOfTopic): Promise<readonly ForeignRecord[]>
  /**
   * Appends records such that offsets within the log and at its very end belong to no record a user may see. Resolves to the
   * values that are to be seen.
   */
  gaps(place: PartitionOfTopic): Promise<readonly Buffer[]>
  /** A URL of the same broker whose connections can be made to fail. */
  interrupt(url: string): Promise<Interruption>
}

export interface Interruption {
  readonly url: string
  /** `mute`: the broker hears, its answers are lost. `deaf`: what clients say is lost. */
  set(mode: 'pass' | 'mute' | 'deaf'): void
  /** Bytes of clients that were lost since the last `set`. */
  swallowed(): number
  /** Ends all connections at once. */
  cut(): void
  close(): Promise<void>
}

/** Small enough that filling it takes no time, large enough for a few records of a test. */
export const EXPIRING_BYTES = 100_000
