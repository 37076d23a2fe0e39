import type { Command, OffsetSpec } from './commands.ts'
import type { Address } from './socket.ts'
import type { Cursor, Output } from './wire.ts'

/** What arrives for a subscription. */
export interface SubscriptionHandler {
  onChunk(frame: Buffer): void
  /** Single active consumers: awaited before the broker is answered. */
  onConsumerUpdate(active: boolean): Promise<OffsetSpec>
  /** The broker refused a credit, or removed the subscription with its stream. */
  onRefused(code: number): void
}

/** What arrives for a publisher. `ids` are publishing ids. */
export interface PublisherHandler {
  onConfirm(ids: Cursor, count: number): void
  onError(id: number, code: number): void
}

/** One connection of the stream protocol. All of it ends with `closed`; nothing it meets ends the process. */
export interface StreamConnection {
  readonly address: Address
  /** The largest frame the broker takes, size included; 0: no limit. */
  readonly frameMax: number
  /** What the broker told about itself, version, advertised_host and advertised_port among it. */
  readonly peer: ReadonlyMap<string, string>
  /** Resolves to why it ended. Never rejects. */
  readonly closed: Promise<Error>
  readonly failure: Error | undefined
  readonly subscriptions: Map<number, SubscriptionHandler>
  readonly publishers: Map<number, PublisherHandler>
  readonly metadataListeners: Set<(stream: string, code: number) => void>
  /** Sends a request and resolves to its answer after the code OK. A refusal has `refused`. Rejects at the time limit and on close. */
  request(command: Command, write: (out: Output) => void, timeoutMs?: number): Promise<Cursor>
  /** Sends a command that is not answered. */
  command(command: Command, write: (out: Output) => void, version?: number): void
  /** Sends frames that are complete. */
  write(frames: Buffer): void
  /** Resolves when the socket takes more. */
  drained(): Promise<void>
  /** Says goodbye and ends. Idempotent. */
  close(): Promise<void>
  /** Ends at once. */
  destroy(why: Error): void
}

/** Before the handshake. */
export interface RawConnection extends StreamConnection {
  /** Resolves to the broker's Tune command. */
  readonly tuned: Promise<{ readonly frameMax: number; readonly heartbeatSeconds: number }>
  /** Sets what was agreed; begins the heartbeat. */
  agree(frameMax: number, heartbeatSeconds: number, peer: ReadonlyMap<string, string>): void
}
