import { randomUUID } from 'node:crypto'
import type { Feed, FeedOptions } from '../../core/backend.ts'
import { errorText, hasCode, isDrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { StoredRecord } from '../../core/record.ts'
import type { Connections } from './connections.ts'
import { brokerError, fenced } from './errors.ts'
import { settlePositions } from './joining.ts'
import { closeLines, type Lines, openLines } from './lines.ts'
import type { Looks } from './looks.ts'
import { openMembership, type Membership } from './membership.ts'

export interface FeedContext {
  readonly connections: Connections
  readonly looks: Looks
  readonly log: Log
  /** Streams by partition. ERR_TOPIC_UNKNOWN. */
  streams(topic: string): Promise<readonly string[]>
  onClose(feed: Feed): void
}

const MAX_BACKOFF_MS = 5_000
/** A RabbitMQ that starts takes connections before it knows its streams again: only after this time a topic is gone. */
const GONE_MS = 15_000
/** How often new partitions are looked for. */
const WIDENED_INTERVAL_MS = 10_000

/** Joins the group with connections of its own, and joins again after that is lost. */
export async function openRabbitmqFeed(context: FeedContext, options: FeedOptions): Promise<Feed> {
  const { connections, log } = context
  const { group, topic } = options
  let membership: Membership | undefined
  let closing: Promise<void> | undefined
  let wake: (() => void) | undefined

  membership = await join()
  const feed: Feed = {
    get memberId() {
      return membership?.id ?? ''
    },
    async pull(partition): Promise<readonly StoredRecord[]> {
      return (await membership?.pull(partition)) ?? []
    },
    async commit(partition, next) {
      if (membership === undefined) throw fenced(group, topic, partition)
      await membership.commit(partition, next)
    },
    isStale: () => membership?.isStale() ?? false,
    close: () => (closing ??= close()),
  }
  // The caller has the feed in hand before its first partition arrives.
  setImmediate(() => void stayIn())
  return feed

  async function join(): Promise<Membership> {
    const id = randomUUID()
    const connection = await connections.openStreams(id)
    let lines: Lines | undefined
    try {
      const streams = await context.streams(topic)
      await settlePositions({ ...context, ...options, connection, streams })
      lines = await openLines(connections, id, streams.length)
      return await openMembership({ ...context, options, connection, lines, id, streams })
    } catch (error) {
      await closeLines([connection, ...(lines ?? [])])
      throw isDrawbridgeError(error)
        ? error
        : brokerError(connections.target.place, `joining group ${group}`, error, 'not-written')
    }
  }

  /** As long as the feed is open: tells its partitions, looks for new ones, and joins again. */
  async function stayIn(): Promise<void> {
    let goneAt = Number.POSITIVE_INFINITY
    for (let failed = 0; closing === undefined; ) {
      const member = membership
      if (member === undefined) {
        await pause(Math.min(MAX_BACKOFF_MS, 50 * 2 ** failed))
        try {
          if (closing === undefined) membership = await join()
          failed = 0
          goneAt = Number.POSITIVE_INFINITY
        } catch (error) {
          failed++
          // Anything else was right once, so it may be again.
          const isGone = hasCode(error, 'ERR_TOPIC_UNKNOWN')
          goneAt = isGone ? Math.min(goneAt, performance.now() + GONE_MS) : Number.POSITIVE_INFINITY
          if (isGone && performance.now() > goneAt) return fail(error)
          log.warn({ group, topic, error: errorText(error) }, 'not joined again yet, will try again')
        }
        continue
      }
      member.begin()
      const over = await Promise.race([member.lost, pause(WIDENED_INTERVAL_MS)])
      // Its timer would keep a process that has nothing else to do.
      wake?.()
      if (over !== undefined && closing === undefined) {
        log.warn({ group, topic, member: member.id, error: over.message }, 'membership lost, joining again')
        membership = undefined
      } else if (closing === undefined) await widen(member)
    }
    // Joined while it was being closed.
    await membership?.leave()
  }

  async function widen(member: Membership): Promise<void> {
    try {
      const streams = await context.streams(topic)
      if (streams.length <= member.partitions) return
      await settlePositions({ ...context, ...options, connection: member.connection, streams })
      await member.widen(streams)
    } catch (error) {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) {
        member.drop()
        fail(error)
      } else log.warn({ group, topic, error: errorText(error) }, 'new partitions not looked for, will try again')
    }
  }

  function fail(error: Error): void {
    if (closing !== undefined) return
    closing = Promise.resolve()
    wake?.()
    context.onClose(feed)
    options.onFailed(error)
  }

  function pause(ms: number): Promise<undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ms)
      wake = () => {
        clearTimeout(timer)
        resolve(undefined)
      }
    })
  }

  async function close(): Promise<void> {
    wake?.()
    await membership?.leave()
    context.onClose(feed)
  }
}
