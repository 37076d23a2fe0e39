import type { Broker, From } from '../core/broker.ts'
import type { Log } from '../core/log.ts'
import type { Topic, TopicSchema } from '../core/topic.ts'
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
  /** What is wrong between keys that are sound each for itself; asked before anything is started. */
  check?(config: C): readonly KeyProblem[]
  /**
   * `one`: a single copy works, others wait (a source that keeps a checkpoint). `many`: every copy works, there is no
   * checkpoint (a sink shares its work through its group, a listener has no state).
   */
  readonly copies: 'one' | 'many'
  /** Schema of the topic where the configuration names none; the worker then declares the topic. */
  topicSchema?(config: C): TopicSchema | undefined
  run(config: C, context: ConnectorContext): Promise<void>
}

export interface KeyProblem {
  /** Key below `config` at whose place it is told. */
  readonly key: string
  /** Repeats no value: it may be one of the environment. */
  readonly message: string
}

export interface ConnectorContext {
  /** The connector's configured name; a sink's group is `NAME`. */
  readonly name: string
  readonly broker: Broker
  /** Declared already, or taken as broker and registry know it. */
  readonly topic: Topic<unknown>
  /** Only for sinks: where a new group begins. */
  readonly from: From
  readonly log: Log
  /** How long finishing what is in hand may take once the signal has aborted, milliseconds. */
  readonly drainTimeoutMs: number
  /** Aborts on SIGTERM, on stop, and when a source's lease is lost. */
  readonly signal: AbortSignal
  readonly count: Count
  /** Tells what others need to find it, such as `{ url }`; shown by status. Never a secret. */
  announce(facts: Readonly<Record<string, string | number>>): void
  /** Only with `copies: 'one'`: what was saved last (null at the very start), and how to save; a save is durable when it resolves. */
  readonly checkpoint: { readonly initial: unknown; save(state: unknown): Promise<void> }
}

/** Counts something the connector did; shown by status, names are field-standard (`records_total`, `delivery_attempts_total`). */
export type Count = (name: string, by?: number) => void
