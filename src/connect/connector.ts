import type { Broker } from '../core/broker.ts'
import type { Log } from '../core/log.ts'
import type { ConfigSpec } from './config.ts'

/**
 * What every connector is: a type name, a declared configuration, and one `run`. It runs alone in its process.
 * Duties of `run`: resolve after the signal aborts and what was in hand is finished (or, for a source whose input is
 * finite, when the input is through); reject when it cannot go on: the supervisor restarts it. A sink lets the position
 * move only after the outside accepted; a source saves its checkpoint only after the topic accepted.
 */
export interface Connector<C> {
  /** Also its folder's name: `webhook-sink`. */
  readonly type: string
  readonly kind: 'sink' | 'source'
  /** One sentence for `--help` and the README table. */
  readonly summary: string
  readonly config: ConfigSpec<C>
  run(config: C, context: ConnectorContext): Promise<void>
}

export interface ConnectorContext {
  /** The connector's configured name; a sink's group is `NAME`. */
  readonly name: string
  readonly broker: Broker
  readonly log: Log
  /** Aborts on SIGTERM, on stop, and when a source's lease is lost. */
  readonly signal: AbortSignal
  /** Folder that relative paths of the configuration start from. */
  readonly baseDir: string
  readonly count: Count
  /** Only for sources: what was saved last, and how to save; a save is durable when it resolves. */
  readonly checkpoint: { readonly initial: unknown; save(state: unknown): Promise<void> }
}

/** Counts something the connector did; shown by status, names are field-standard (`records_total`, `delivery_attempts_total`). */
export type Count = (name: string, by?: number) => void
