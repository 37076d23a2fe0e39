import type { RegistryOptions } from '../registry/registry-options.ts'

/** What the supervisor tells its child: where to connect. The connector's own configuration the child reads from the file itself. */
export interface StartMessage {
  readonly kind: 'start'
  readonly file: string
  readonly name: string
  readonly brokerUrl: string
  readonly registry?: RegistryOptions | undefined
  readonly create: boolean
  readonly drainTimeoutMs: number
}

/** What a child tells. Counters are totals of this process, sent when they changed, at most four times a second. */
export type ChildMessage =
  | { readonly kind: 'running' }
  /** Its lease is another copy's: it stands by. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'counters'; readonly counters: Readonly<Record<string, number>> }
  | { readonly kind: 'facts'; readonly facts: Readonly<Record<string, string | number>> }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

export function isStartMessage(message: unknown): message is StartMessage {
  return (message as { kind?: unknown } | null)?.kind === 'start'
}

export function isChildMessage(message: unknown): message is ChildMessage {
  return typeof (message as { kind?: unknown } | null)?.kind === 'string'
}
