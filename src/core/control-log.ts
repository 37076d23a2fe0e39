import type { Backend } from './backend.ts'
import type { Log } from './log.ts'

/** What the owner of a control log's partition holds. `S` is plain JSON. */
export interface ControlOwner<S> {
  readonly partition: number
  /** The last valid snapshot when ownership began, or null. */
  readonly state: S | null
  /** Aborts when ownership ends. */
  readonly signal: AbortSignal
  /** Appends a full snapshot; resolves when durable. ERR_FENCED once somebody else has claimed the partition. */
  save(state: S): Promise<void>
}

export interface ControlLogOptions<S> {
  readonly backend: Backend
  /** The topic is `drawbridge.<what>`. */
  readonly what: string
  readonly partitions: number
  readonly log: Log
  /** Runs for every partition this process comes to own; ownership is given up when it returns or the signal aborts. */
  own(owner: ControlOwner<S>): Promise<void>
}

export interface ControlLog extends AsyncDisposable {
  /** Rejects when `own` threw or the broker is lost for good. */
  readonly done: Promise<void>
  close(): Promise<void>
}
export declare function openControlLog<S>(options: ControlLogOptions<S>): Promise<ControlLog>
