import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedOptions } from '../../core/backend.ts'
import { errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { StoredRecord } from '../../core/record.ts'
import { fenced } from './errors.ts'
import type { Looks } from './looks.ts'
import { createInflow, type Inflow } from './inflow.ts'
import { isSameNode } from './leaders.ts'
import { closeLines, endLines, type Lines } from './lines.ts'
import { watchPauses } from './pause-watch.ts'
import { ownerMark, readPosition, startAt, store, storeOwner, toStored } from './positions.ts'
import { createPlaces, type Place } from './places.ts'
import { watchPresence } from './presence.ts'
import type { OffsetSpec } from './protocol/commands.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { queryStats } from './protocol/requests.ts'
import { takeTenure } from './tenure.ts'

/** A member of a group for as long as all its connections live. */
export interface Membership {
  readonly id: string
  /** For questions about the group and its topic. */
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
  /** Nothing is delivered on it, so its questions are answered at once. */
  readonly connection: StreamConnection
  readonly lines: Lines
  readonly id: string
  readonly streams: readonly string[]
  readonly looks: Pick<Looks, 'settled' | 'nextRecord' | 'extent'>
  readonly log: Log
}

interface Part {
  readonly line: StreamConnection
  readonly inflow: Inflow
  /** When its subscription began (performance.now()). */
  readonly attachedAt: number
  /** From the moment it is being given up; commits go through until the broker is answered. */
  revoked: Promise<void> | undefined
}

const ORDER_TIMEOUT_MS = 30_000
/**
 * Retention deletes segments and then says so (osiris_retention, v1.8). A subscription that begins in between skips what is gone, so
 * whether that made a gap is asked no sooner than so long after; later on, a subscription skips only what it was told of.
 */
const RETENTION_MS = 250

/**
 * Subscribes to all partitions as a single active consumer of the super stream; RabbitMQ chooses who is active where. The
 * answer to its ConsumerUpdate is what hands a partition over, so it is given only after `onRevoke`.
 */
export async function openMembership(parts: MembershipParts): Promise<Membership> {
  const { options, connection, lines, id, looks, log } = parts
  const all: Lines = [connection, ...lines]
  const { group, topic, limits } = options
  const held = new Map<number, Part>()
  const begun = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<Error>()
  let leaving: Promise<void> | undefined
  /** Partitions that RabbitMQ has given and that are not assigned yet. */
  const taking = new Set<number>()
  /** Nothing is held any more, and each line says goodbye by itself. */
  let isParting = false
  const ending = new AbortController()
  const places = createPlaces({
    lines,
    group,
    topic,
    memberId: id,
    log,
    signal: ending.signal,
    onChunk(partition, frame) {
      const part = held.get(partition)
      part?.inflow.onChunk(frame)
      return part !== undefined
    },
    onActive: async (place) => {
      taking.add(place.partition)
      return take(place).finally(() => taking.delete(place.partition))
    },
    onPassive: giveUp,
  })
  const pauses = watchPauses(all)

  for (const line of all) {
    void line.closed.then(onClosed)
    line.metadataListeners.add((stream) => {
      // The stream was deleted or lost its leader, and the broker has removed our subscription.
      if (places.streams.includes(stream)) line.destroy(new Error(`stream ${stream} is not available`))
    })
  }
  // Before it comes to any partition: who is given one has to answer for it, though it takes long to come to the others.
  watchPresence({
    connection,
    looks,
    group,
    signal: ending.signal,
    partitions: () => places.all().map(({ partition, stream }) => ({ partition, stream, isHeld: isHeld(partition) })),
    onUnheld(partition) {
      if (!isHeld(partition)) void places.comeAgain(partition)
    },
  })
  await widen(parts.streams)

  return {
    id,
    connection,
    get partitions() {
      return places.streams.length
    },
    widen,
    lost: lost.promise,
    isStale: pauses.wasPaused,
    begin: begun.resolve,
    pull,
    commit,
    leave: () => (leaving ??= leave()),
    drop() {
      leaving ??= Promise.resolve()
      ending.abort()
      held.clear()
      endLines(all, new Error('dropped'))
    },
  }

  /**
   * RabbitMQ gives partition i to the member that came i-th to it (modulo their number), so members have to come to all partitions in one order: in
   * turns by a lock. Who waits for it in vain goes on, for shares may then be uneven, and nothing worse.
   */
  async function widen(wanted: readonly string[]): Promise<void> {
    const [first] = wanted
    if (first === undefined || wanted.length === places.streams.length) return
    const turn = await takeTenure(connection, first, `${group}#order`, { timeoutMs: ORDER_TIMEOUT_MS })
    const extending = places.extend(wanted)
    // The next one's turn comes when RabbitMQ's coordinator knows of this one; nothing else waits for that.
    void extending
      .then(({ registered }) => registered)
      .catch(() => undefined)
      .then(() => turn?.release())
      .catch(() => undefined)
    await extending
  }

  async function take(place: Place): Promise<OffsetSpec> {
    const { partition, stream, line, subscription, credit } = place
    await begun.promise
    // Going already: the partition is not used, and leaves with the subscription.
    const isOff = () => leaving !== undefined || isOver() || !places.has(place)
    if (isOff()) return 'next'
    storeOwner(line, group, stream, ownerMark(id))
    const [position, stats] = await Promise.all([readPosition(line, group, stream), queryStats(line, stream)])
    const start = startAt(position, Math.max(0, stats.firstChunkId))
    if (isOff()) return 'next'
    const inflow = createInflow({
      connection: line,
      subscription,
      credit,
      stream,
      from: start.position,
      to: Number.POSITIVE_INFINITY,
      limits,
      mayContinue: (expected) => mayContinue(place, expected),
    })
    held.set(partition, { line, inflow, attachedAt: performance.now(), revoked: undefined })
    options.onAssign({ partition, ...start })
    return { offset: start.position }
  }

  /** A gap is the broker's own chunks, unless records stood there that retention took. */
  async function mayContinue({ partition, stream, line }: Place, expected: number): Promise<boolean> {
    // Each node has its own retention. The line itself may be resting.
    const asked = isSameNode(connection, line) ? connection : line
    const attachedAt = held.get(partition)?.attachedAt ?? 0
    await sleep(Math.max(0, attachedAt + RETENTION_MS - performance.now()))
    const { firstChunkId } = await queryStats(asked, stream)
    if (firstChunkId <= expected) return true
    const part = held.get(partition)
    if (part === undefined || part.revoked !== undefined) return false
    log.warn({ group, topic, partition, position: expected, first: firstChunkId }, 'retention passed the position held')
    part.inflow.end()
    held.delete(partition)
    options.onLost([partition])
    line.destroy(new Error(`retention passed the position of ${stream}`))
    return false
  }

  async function giveUp({ partition }: Place): Promise<OffsetSpec> {
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
      if (isOver()) return []
      throw error
    }
    const isMine = () => held.get(partition) === part && part.revoked === undefined
    if (pauses.wasPaused()) await pauses.settled()
    return isMine() ? (records ?? []) : []
  }

  /** On the connection that carries the subscription and on no other: the broker obeys it as long as it is active. */
  async function commit(partition: number, next: number): Promise<void> {
    const part = held.get(partition)
    const stream = places.streams[partition]
    if (part === undefined || stream === undefined || isOver()) throw fenced(group, topic, partition)
    const { line } = part
    let stored: boolean
    try {
      stored = await store(line, group, stream, toStored(next))
      if (stored) await looks.settled(connection, stream)
    } catch (error) {
      if (!isOver()) throw error
      throw fenced(group, topic, partition)
    }
    if (stored) return
    // The holder gives it up with this answer. Where the broker still thinks it ours, nobody would read it: joining anew settles it.
    if (held.get(partition) === part && part.revoked === undefined) void line.close()
    throw fenced(group, topic, partition)
  }

  function isHeld(partition: number): boolean {
    return held.has(partition) || taking.has(partition)
  }

  function isOver(): boolean {
    return all.some(({ failure }) => failure !== undefined)
  }

  /** A member is one thing: it is lost with the first of its lines. */
  function onClosed(why: Error): void {
    if (!isParting) endLines(all, why)
    const partitions = [...held.keys()]
    for (const { inflow } of held.values()) inflow.end()
    held.clear()
    begun.resolve()
    pauses.stop()
    ending.abort()
    if (partitions.length > 0) options.onLost(partitions)
    if (leaving === undefined) lost.resolve(why)
  }

  async function leave(): Promise<void> {
    begun.resolve()
    ending.abort()
    await revoke([...held.keys()])
    await places.leave()
    isParting = true
    await closeLines(all)
  }
}
