import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownerMark, readPosition } from './positions.ts'
import { queryOffset, queryStats, storeOffset } from './protocol/requests.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'

export interface Presence {
  /** For questions alone. */
  readonly connection: StreamConnection
  readonly group: string
  /** What the member is subscribed to, and whether it holds it. */
  partitions(): readonly { readonly partition: number; readonly stream: string; readonly isHeld: boolean }[]
  /** Nobody holds the partition, and records wait there. */
  onUnheld(partition: number): void
  readonly signal: AbortSignal
}

/** How often a member looks at each partition. */
const LOOK_MS = 10_000
/** A holder that gives no answer for so long is none; RabbitMQ, too, has missed the heartbeats of one that stands still by then. */
const UNANSWERED_MS = 40_000
/** For so long an answer counts. */
const ANSWERED_MS = 60_000
/** Partitions looked at together. */
const AT_ONCE = 32

interface Seen {
  /** Where the group's position stands still. */
  readonly next: number
  /** A question without an answer. */
  readonly asked?: bigint
  /** When that was first seen, or when an answer was (performance.now()). */
  readonly since: number
}

/**
 * RabbitMQ waits for the answer of the member that gives a partition up. Where that member's node dies before it is answered, it
 * waits for ever until 4.2 (rabbitmq-server issue 14070), and all others stay passive. So they look after it themselves: where
 * records wait and the position stands still, one asks, and whoever holds the partition answers. Question and answer are offsets
 * stored beside the group's, which cost RabbitMQ's coordinator nothing.
 */
export async function watchPresence(presence: Presence): Promise<void> {
  const { connection, group, signal } = presence
  const question = `${group}#who`
  const answer = `${group}#here`
  const answered = new Map<number, bigint>()
  const seen = new Map<number, Seen>()
  for (;;) {
    // Members that came at one time need not look at one time.
    await sleep(LOOK_MS * (0.9 + Math.random() / 5), undefined, { ref: false, signal }).catch(() => undefined)
    if (signal.aborted) return
    const partitions = presence.partitions()
    for (let at = 0; at < partitions.length; at += AT_ONCE) {
      const looks = partitions
        .slice(at, at + AT_ONCE)
        .map(({ partition, stream, isHeld }) => (isHeld ? reply(partition, stream) : look(partition, stream)))
      // What cannot be asked now is asked at the next look.
      await Promise.allSettled(looks)
    }
  }

  async function reply(partition: number, stream: string): Promise<void> {
    seen.delete(partition)
    const asked = await queryOffset(connection, question, stream)
    if (asked === undefined || asked === answered.get(partition)) return
    answered.set(partition, asked)
    storeOffset(connection, answer, stream, asked)
  }

  async function look(partition: number, stream: string): Promise<void> {
    answered.delete(partition)
    const now = performance.now()
    const before = seen.get(partition)
    const [position, { committedChunkId }] = await Promise.all([
      readPosition(connection, group, stream),
      queryStats(connection, stream),
    ])
    const next = position.next ?? position.initial ?? 0
    if (before?.next !== next || committedChunkId < next) {
      seen.set(partition, { next, since: Number.NEGATIVE_INFINITY })
      return
    }
    const [asked, heard] = await Promise.all([
      queryOffset(connection, question, stream),
      queryOffset(connection, answer, stream),
    ])
    if (asked !== undefined && asked !== heard) {
      if (before.asked !== asked) seen.set(partition, { next, asked, since: now })
      else if (now > before.since + UNANSWERED_MS && !signal.aborted) {
        seen.delete(partition)
        presence.onUnheld(partition)
      }
    } else if (before.asked !== undefined) {
      seen.set(partition, { next, since: now })
    } else if (now > before.since + ANSWERED_MS) {
      const fresh = ownerMark(randomUUID())
      storeOffset(connection, question, stream, fresh)
      seen.set(partition, { next, asked: fresh, since: now })
    }
  }
}
