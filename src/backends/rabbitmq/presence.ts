import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Looks } from './looks.ts'
import { ownerMark, readPosition } from './positions.ts'
import { queryOffset, queryStats, storeOffset } from './protocol/requests.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'

export interface PresenceParts {
  /** For questions alone. */
  readonly connection: StreamConnection
  readonly looks: Pick<Looks, 'nextRecord' | 'extent'>
  readonly group: string
  /** What the member is subscribed to, and whether RabbitMQ has given it to this member. */
  partitions(): readonly { readonly partition: number; readonly stream: string; readonly isHeld: boolean }[]
  /** Nobody holds the partition, and records wait there: it is to be left for a while, as all members do. */
  onUnheld(partition: number): void
  readonly signal: AbortSignal
  /** Default `PRESENCE_TIMES`. */
  readonly times?: typeof PRESENCE_TIMES
}

export const PRESENCE_TIMES = {
  /** How often a member looks at each partition. */
  lookMs: 10_000,
  /** A holder that gives no answer for so long is none; RabbitMQ, too, has missed the heartbeats of one that stands still by then. */
  unansweredMs: 40_000,
  /** For so long an answer counts. */
  answeredMs: 60_000,
}
/** Partitions looked at together. */
const AT_ONCE = 32

interface Seen {
  /** Where the group's position stands still. */
  readonly next: number
  /** The answer given last. */
  readonly heard: bigint | undefined
  /** A question without an answer. */
  readonly asked?: bigint
  /** When that was first seen, or when an answer was (performance.now()). */
  readonly since: number
  /** The last chunk, where nothing waited up to it. */
  readonly idleAt?: number
}

/**
 * RabbitMQ waits for the answer of the member that gives a partition up. Where that member's node dies before it is answered, it
 * waits for ever until 4.2 (rabbitmq-server issue 14070), and all others stay passive. So they look after it themselves: where
 * records wait and the position stands still, one asks, and whoever holds the partition answers. Question and answer are offsets
 * stored beside the group's, which cost RabbitMQ's coordinator nothing. A question without an answer is seen by all members at
 * about the same time, and so all leave. Who comes again asks anew: members that came at different times are together then.
 */
export function watchPresence(parts: PresenceParts): void {
  const { connection, looks, group, signal, times = PRESENCE_TIMES } = parts
  const question = `${group}#who`
  const answer = `${group}#here`
  const answered = new Map<number, bigint>()
  const seen = new Map<number, Seen>()
  /** Partitions that were left, and not looked at since. */
  const left = new Set<number>()

  void repeatedly(replyAll)
  // Apart from the looks, which may take long: an answer may not.
  void repeatedly(lookAtAll)

  async function repeatedly(work: () => Promise<void>): Promise<void> {
    for (;;) {
      // Members that came at one time need not look at one time.
      const pause = times.lookMs * (0.9 + Math.random() / 5)
      await sleep(pause, undefined, { ref: false, signal }).catch(() => undefined)
      if (signal.aborted) return
      await work()
    }
  }

  async function replyAll(): Promise<void> {
    const held = parts.partitions().filter(({ isHeld }) => isHeld)
    await Promise.allSettled(held.map(({ partition, stream }) => reply(partition, stream)))
  }

  async function reply(partition: number, stream: string): Promise<void> {
    seen.delete(partition)
    left.delete(partition)
    const asked = await queryOffset(connection, question, stream)
    if (asked === undefined || asked === answered.get(partition)) return
    answered.set(partition, asked)
    storeOffset(connection, answer, stream, asked)
  }

  async function lookAtAll(): Promise<void> {
    const others = parts.partitions().filter(({ isHeld }) => !isHeld)
    for (let at = 0; at < others.length; at += AT_ONCE) {
      // What cannot be asked now is asked at the next look.
      await Promise.allSettled(others.slice(at, at + AT_ONCE).map(({ partition, stream }) => look(partition, stream)))
    }
  }

  async function look(partition: number, stream: string): Promise<void> {
    answered.delete(partition)
    const [position, { committedChunkId: last }, asked, heard] = await Promise.all([
      readPosition(connection, group, stream),
      queryStats(connection, stream),
      queryOffset(connection, question, stream),
      queryOffset(connection, answer, stream),
    ])
    const now = performance.now()
    const next = position.next ?? position.initial ?? 0
    const before = seen.get(partition)
    if (left.delete(partition)) return ask(partition, stream, next, heard)
    if (before?.next !== next) {
      seen.set(partition, { next, heard, since: Number.NEGATIVE_INFINITY })
    } else if (asked !== undefined && asked !== heard) {
      if (before.asked !== asked) seen.set(partition, { next, heard, asked, since: now })
      else if (now > before.since + times.unansweredMs) leave(partition)
    } else if (before.asked !== undefined || before.heard !== heard) {
      seen.set(partition, { next, heard, since: now })
    } else if (now > before.since + times.answeredMs && before.idleAt !== last) {
      if (await isWaiting(stream, next)) ask(partition, stream, next, heard)
      else seen.set(partition, { ...before, idleAt: last })
    }
  }

  /** The group's own stored positions take offsets, too, so the last chunk alone does not tell. */
  async function isWaiting(stream: string, next: number): Promise<boolean> {
    const { first, end } = await looks.extent(connection, stream)
    const from = Math.max(next, first)
    return from < end && (await looks.nextRecord(connection, stream, from)) < end
  }

  function ask(partition: number, stream: string, next: number, heard: bigint | undefined): void {
    const asked = ownerMark(randomUUID())
    storeOffset(connection, question, stream, asked)
    seen.set(partition, { next, heard, asked, since: performance.now() })
  }

  function leave(partition: number): void {
    seen.delete(partition)
    if (signal.aborted) return
    left.add(partition)
    parts.onUnheld(partition)
  }
}
