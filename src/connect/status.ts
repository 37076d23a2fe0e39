/** `STARTING` is also a copy that waits for its lease; `DONE` a source whose input is through; `FAILED` stays so until started anew. */
export type ConnectorState = 'STARTING' | 'RUNNING' | 'BACKOFF' | 'DRAINING' | 'DONE' | 'STOPPED' | 'FAILED'

export interface ConnectorStatus {
  readonly name: string
  readonly type: string
  readonly kind: 'sink' | 'source'
  readonly topic: string
  readonly state: ConnectorState
  /** The child's, null while there is none. */
  readonly pid: number | null
  /** Every restart since this supervisor began; a sound run begins only the delays anew, not this. */
  readonly restarts: number
  /** Totals over all restarts. A lower bound after a crash: what a killed child had not yet reported is not in it. */
  readonly counters: Readonly<Record<string, number>>
  /** What the connector announced, such as its URL. */
  readonly facts: Readonly<Record<string, string | number>>
  /** Without secrets. `at` in milliseconds since the epoch. */
  readonly lastError: { readonly code: string; readonly message: string; readonly at: number } | null
  /** The configuration without secrets. */
  readonly config: Readonly<Record<string, unknown>>
}

/** Something about a connector changed; `status` is how it stands now. */
export interface ConnectorEvent {
  readonly changed: 'state' | 'counters' | 'facts' | 'error'
  readonly status: ConnectorStatus
}
