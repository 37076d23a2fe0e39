import type { FeedOptions } from '../../core/backend.ts'
import { errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { StoredRecord } from '../../core/record.ts'
import { fenced } from './errors.ts'
import { MEMBER_PROPERTY } from './management.ts'
import type { Looks } from './looks.ts'
import { createInflow, type Credit, type Inflow } from './inflow.ts'
import { ownerMark, readPosition, startAt, store, storeOwner, toStored } from './positions.ts'
import type { OffsetSpec } from './protocol/commands.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { barrier, queryStats, subscribe, unsubscribe } from './protocol/requests.ts'
import { takeTenure } from './tenure.ts'

/** A member of a group for as long as one connection lives. */
export interface Membership {
  readonly id: string
  readonly connection: StreamConnection
  readonly partitions: number
  /** Takes part in partitions that the topic has got since. Their positions are settled. */
  widen(streams: readonly string[]): Promise<void>
  /** Resolves when the membership is over and was not left. */
  readonly lost: Promise<Error>
  isStale(): boolean
  /** Partitions are told from now on. */
  begin(): void
  pull(partition: number): Promise<readonly StoredRecord[]>
  commit(partition: number, next: number): Promise<void>
  /** Revokes what is held, then goes. */
  leave(): Promise<void>
  /** Goes at once; what is held is lost without a word. */
  drop(): void
}

export interface MembershipParts {
  readonly options: FeedOptions
  readonly connection: StreamConnection
  readonly id: string
  readonly streams: readonly string[]
  readonly looks: Pick<Looks, 'settled'>
  readonly log: Log
}

interface Part {
  readonly inflow: Inflow
  /** From the moment it is being given up; commits go through until the broker is answered. */
  revoked: Promise<void> | undefined
}

/** A pause of this process after which it asks whether it is still a member. The broker's patience is 20 s at least. */
const PAUSE_MS = 10_000
const TICK_MS = 1_000
const ORDER_TIMEOUT_MS = 10_000

/**
 * Subscribes to all partitions as a single active consumer of the super stream; RabbitMQ chooses who is active where. The
 * answer to its ConsumerUpdate is what hands a partition over, so it is given only after `onRevoke`.
 */
export async function openMembership(parts: MembershipParts): Promise<Membership> {
  const { options, connection, id, looks, log } = parts
  const streams: string[] = []
  const { group, topic, limits } = options
  const held = new Map<number, Part>()
  /** What the broker asks of one partition is done in turn. */
  const turns = new Map<number, Promise<unknown>>()
  const begun = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<Error>()
  let leaving: Promise<void> | undefined
  let tickAt = performance.now()
  /** Under way after a pause, until the broker has answered or the connection has turned out to be gone. */
  let asking: Promise<void> | undefined
  const ticker = setInterval(wasPaused, TICK_MS)
  ticker.unref()

  void connection.closed.then(onClosed)
  connection.metadataListeners.add((stream) => {
    // The stream was deleted or lost its leader, and the broker has removed our subscription.
    if (streams.includes(stream)) connection.destroy(new Error(`stream ${stream} is not available`))
  })
  await widen(parts.streams)

  return {
    id,
    connection,
    get partitions() {
      return streams.length
    },
    widen,
    lost: lost.promise,
    isStale: wasPaused,
    begin: begun.resolve,
    pull,
    commit,
    leave: () => (leaving ??= leave()),
    drop() {
      leaving ??= Promise.resolve()
      held.clear()
      connection.destroy(new Error('dropped'))
    },
  }

  /**
   * RabbitMQ gives partition i to the member that came i-th to it (modulo their number), so members have to come to all partitions in one order: in
   * turns by a lock. Who waits for it in vain goes on, for shares may then be uneven, and nothing worse.
   */
  async function widen(all: readonly string[]): Promise<void> {
    const [first] = all
    if (first === undefined || all.length === streams.length) return
    // Partitions are subscribed to under their numbers.
    const turn = await takeTenure(connection, first, `${group}#order`, { id: all.length, timeoutMs: ORDER_TIMEOUT_MS })
    try {
      await subscribeTo(all)
    } finally {
      await turn?.release()
    }
  }

  async function subscribeTo(all: readonly string[]): Promise<void> {
    const properties = { 'single-active-consumer': 'true', name: group, 'super-stream': topic, [MEMBER_PROPERTY]: id }
    for (const stream of all.slice(streams.length)) {
      const partition = streams.push(stream) - 1
      const credit: Credit = { outstanding: 1 }
      connection.subscriptions.set(partition, {
        onChunk(frame) {
          const part = held.get(partition)
          if (part === undefined) credit.outstanding--
          else part.inflow.onChunk(frame)
        },
        onConsumerUpdate: (active) =>
          inTurn(partition, () => (active ? take(partition, stream, credit) : giveUp(partition))),
        onRefused: () => undefined,
      })
      await subscribe(connection, { id: partition, stream, offset: 'next', credit: 1, properties })
    }
  }

  function inTurn<T>(partition: number, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(partition) ?? Promise.resolve()).then(work, work)
    turns.set(partition, turn)
    return turn
  }

  async function take(partition: number, stream: string, credit: Credit): Promise<OffsetSpec> {
    await begun.promise
    // Going already: the partition is not used, and leaves with the subscription.
    if (leaving !== undefined) return 'next'
    storeOwner(connection, group, stream, ownerMark(id))
    const [position, stats] = await Promise.all([
      readPosition(connection, group, stream),
      queryStats(connection, stream),
    ])
    const start = startAt(position, Math.max(0, stats.firstChunkId))
    if (leaving !== undefined || connection.failure !== undefined) return 'next'
    const inflow = createInflow({
      connection,
      subscription: partition,
      credit,
      stream,
      from: start.position,
      to: Number.POSITIVE_INFINITY,
      limits,
      mayContinue: (expected) => mayContinue(partition, stream, expected),
    })
    held.set(partition, { inflow, revoked: undefined })
    options.onAssign({ partition, ...start })
    return { offset: start.position }
  }

  /** A gap is the broker's own chunks, unless records stood there that retention took. */
  async function mayContinue(partition: number, stream: string, expected: number): Promise<boolean> {
    const { firstChunkId } = await queryStats(connection, stream)
    if (firstChunkId <= expected) return true
    const part = held.get(partition)
    if (part === undefined || part.revoked !== undefined) return false
    log.warn({ group, topic, partition, position: expected, first: firstChunkId }, 'retention passed the position held')
    part.inflow.end()
    held.delete(partition)
    options.onLost([partition])
    connection.destroy(new Error(`retention passed the position of ${stream}`))
    return false
  }

  async function giveUp(partition: number): Promise<OffsetSpec> {
    await revoke([partition])
    return 'none'
  }

  async function revoke(partitions: readonly number[]): Promise<void> {
    const mine = partitions.filter((partition) => held.get(partition)?.revoked === undefined && held.has(partition))
    if (mine.length > 0) {
      // Revoked before the holder is asked: what it pulls from then on is nothing.
      const { promise, resolve } = Promise.withResolvers<void>()
      for (const partition of mine) (held.get(partition) as Part).revoked = promise
      void revokeNow(mine).then(resolve)
    }
    await Promise.all(partitions.flatMap((partition) => held.get(partition)?.revoked ?? []))
  }

  async function revokeNow(partitions: readonly number[]): Promise<void> {
    const giving = partitions.map((partition) => [partition, held.get(partition)] as const)
    for (const [, part] of giving) part?.inflow.end()
    try {
      await options.onRevoke(partitions)
    } catch (error) {
      log.error({ group, topic, partitions, error: errorText(error) }, 'onRevoke failed; letting go nevertheless')
    }
    for (const [partition, part] of giving) if (held.get(partition) === part) held.delete(partition)
  }

  async function pull(partition: number): Promise<readonly StoredRecord[]> {
    const part = held.get(partition)
    if (part === undefined || part.revoked !== undefined) return []
    let records: readonly StoredRecord[] | null
    try {
      records = await part.inflow.pull()
    } catch (error) {
      // With the connection the partition is gone, too: `onLost` tells.
      if (connection.failure !== undefined) return []
      throw error
    }
    const isMine = () => held.get(partition) === part && part.revoked === undefined
    if (wasPaused()) await asking
    return isMine() ? (records ?? []) : []
  }

  /** After a pause the partitions may be somebody else's: true until the broker has said that we are still there. */
  function wasPaused(): boolean {
    const now = performance.now()
    const pauseMs = now - tickAt
    tickAt = now
    if (pauseMs > PAUSE_MS) {
      asking ??= barrier(connection)
        .catch(() => undefined)
        .finally(() => {
          asking = undefined
        })
    }
    return asking !== undefined
  }

  /** On the connection that carries the subscription and on no other: the broker obeys it as long as it is active. */
  async function commit(partition: number, next: number): Promise<void> {
    const part = held.get(partition)
    const stream = streams[partition]
    if (part === undefined || stream === undefined || connection.failure !== undefined)
      throw fenced(group, topic, partition)
    let stored: boolean
    try {
      stored = await store(connection, group, stream, toStored(next))
      if (stored) await looks.settled(connection, stream)
    } catch (error) {
      if (connection.failure === undefined) throw error
      throw fenced(group, topic, partition)
    }
    if (stored) return
    // The holder gives it up with this answer. Where the broker still thinks it ours, nobody would read it: joining anew settles it.
    if (held.get(partition) === part && part.revoked === undefined) void connection.close()
    throw fenced(group, topic, partition)
  }

  function onClosed(why: Error): void {
    const partitions = [...held.keys()]
    for (const { inflow } of held.values()) inflow.end()
    held.clear()
    begun.resolve()
    clearInterval(ticker)
    if (partitions.length > 0) options.onLost(partitions)
    if (leaving === undefined) lost.resolve(why)
  }

  async function leave(): Promise<void> {
    begun.resolve()
    await revoke([...held.keys()])
    // In turn after what the broker asks at this moment, so that none of it is left without an answer.
    await Promise.all([...turns.values()].map((turn) => turn.catch(() => undefined)))
    if (connection.failure === undefined) {
      const ids = [...streams.keys()].map((partition) => unsubscribe(connection, partition))
      await Promise.allSettled(ids)
    }
    await connection.close()
  }
}
