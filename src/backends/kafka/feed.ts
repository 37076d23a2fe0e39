import type { Assignment, Feed, FeedOptions } from '../../core/backend.ts'
import { type DrawbridgeError, errorText, hasCode, isDrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Cluster, persist } from './cluster.ts'
import { createCommits } from './commits.ts'
import type { Cursor } from './cursor.ts'
import { closedError, fenced } from './errors.ts'
import { type Fetcher, createFetcher } from './fetcher.ts'
import { createMembership } from './membership.ts'
import { EARLIEST, askOffsets } from './offsets.ts'
import { preparePositions, settlePositions, witnessPositions } from './positions.ts'
import type { Witnesses } from './witnesses.ts'

const RETRY_MS = 500

export interface FeedContext {
  readonly cluster: Cluster
  readonly witnesses: Witnesses
  readonly log: Log
  /** Unique in the process. */
  readonly lane: string
  /** Of a static member, unique in the group. */
  readonly instance: string | null
  onClose(feed: KafkaFeed): void
}

export interface KafkaFeed extends Feed {
  readonly group: string
}

/** A partition of this member's share, from the moment it is given until it is let go. */
interface Part {
  /** Undefined while its position is being asked for: the holder has not heard of it. */
  cursor: Cursor | undefined
  revoked: boolean
}

/** Joins the group. Partitions are let go in two steps: the holder finishes, then this member joins anew without them. */
export async function openKafkaFeed(context: FeedContext, options: FeedOptions): Promise<KafkaFeed> {
  const { cluster, witnesses, log, lane, instance } = context
  const { group, topic, limits } = options
  const parts = new Map<number, Part>()
  const revocations = new Set<Promise<void>>()
  let placing: Promise<void> = Promise.resolve()
  let share: readonly number[] = []
  let closing: Promise<void> | undefined
  let over = false
  const handedOut = Promise.withResolvers<void>()

  await preparePositions(cluster, witnesses, options)
  const membership = createMembership(cluster, {
    group,
    topic,
    lane,
    instance,
    log,
    owned: () => [...parts.keys()],
    onShare,
    onExpired: () => lose([...parts.keys()]),
    onFailed: fail,
  })
  const commits = createCommits(cluster, membership, { group, topic, lane })
  const fetcher: Fetcher = createFetcher(cluster, {
    topic,
    lane: `${lane}fetch-`,
    limits,
    log,
    onOutOfRange: (partition) => void relocate(partition),
    onFailed: (_, error) => fail(error as DrawbridgeError),
  })
  const feed: KafkaFeed = {
    group,
    get memberId() {
      return membership.identity.member
    },
    pull,
    commit,
    isStale: membership.isStale,
    close: () => (closing ??= close()),
  }
  await membership.start()
  await placing
  // The caller has the feed in hand before its first partition arrives.
  setImmediate(() => handedOut.resolve())
  return feed

  async function pull(partition: number): Promise<Awaited<ReturnType<Feed['pull']>>> {
    membership.check()
    const part = parts.get(partition)
    if (part?.cursor === undefined || part.revoked) return []
    const records = await part.cursor.pull()
    // After a pause as long as a session it may be somebody else's.
    membership.check()
    return parts.get(partition) === part && !part.revoked ? (records ?? []) : []
  }

  async function commit(partition: number, next: number): Promise<void> {
    membership.check()
    const part = parts.get(partition)
    if (part?.cursor === undefined) throw fenced(group, topic, partition)
    const isMine = () => parts.get(partition) === part
    try {
      await commits.commit(partition, part.cursor.settle(next), isMine)
    } catch (error) {
      // The holder has given it up with this answer, so nobody would read it if the group still thinks it ours.
      if (hasCode(error, 'ERR_FENCED') && isMine()) {
        lose([partition])
        membership.rejoin()
      }
      throw error
    }
  }

  function onShare(now: readonly number[]): void {
    if (over) return
    share = closing === undefined ? now : []
    const surplus = [...parts].filter(([partition, { revoked }]) => !revoked && !now.includes(partition))
    if (surplus.length > 0 && closing === undefined) void revoke(surplus.map(([partition]) => partition))
    // One that is being let go and was given back meanwhile comes again after that: see letGo.
    const fresh = share.filter((partition) => !parts.has(partition))
    if (fresh.length > 0) place(fresh)
  }

  function place(partitions: readonly number[]): void {
    const mine = new Map<number, Part>()
    for (const partition of partitions) mine.set(partition, { cursor: undefined, revoked: false })
    for (const [partition, part] of mine) parts.set(partition, part)
    const isMine = (partition: number) => parts.get(partition) === mine.get(partition) && !over
    const done = settle(partitions, isMine).catch((error: unknown) => {
      for (const partition of partitions) {
        if (isMine(partition)) parts.delete(partition)
      }
      if (over || hasCode(error, 'ERR_FENCED')) return
      if (isDrawbridgeError(error) && error.verdict === 'retry') {
        log.warn({ group, topic, partitions, error: errorText(error) }, 'positions not known yet, joining anew')
        membership.rejoin()
      } else fail(error as DrawbridgeError)
    })
    placing = Promise.all([placing, done]).then(() => undefined)
  }

  async function settle(partitions: readonly number[], isMine: (partition: number) => boolean): Promise<void> {
    const { assignments, fresh } = await settlePositions(cluster, witnesses, options, partitions)
    await Promise.all(
      fresh
        .filter(([partition]) => isMine(partition))
        .map(([partition, next]) => persist(() => commits.commit(partition, next, () => isMine(partition)))),
    )
    if (fresh.length > 0) await witnessPositions(cluster, witnesses, options)
    void handedOut.promise.then(() => {
      for (const assignment of assignments) {
        if (isMine(assignment.partition)) assign(assignment)
      }
    })
  }

  function assign(assignment: Assignment): void {
    const part = parts.get(assignment.partition)
    if (part === undefined || part.revoked) return
    const { partition, position } = assignment
    part.cursor = fetcher.add(partition, { partition, from: position, to: Number.POSITIVE_INFINITY })
    options.onAssign(assignment)
  }

  function drop(partitions: readonly number[]): void {
    for (const partition of partitions) {
      fetcher.remove(partition)
      parts.delete(partition)
    }
  }

  function lose(partitions: readonly number[]): void {
    const told = partitions.filter((partition) => parts.get(partition)?.cursor !== undefined)
    drop(partitions)
    share = []
    if (told.length > 0) options.onLost(told)
  }

  /** Retention has passed a position that is held: what was in hand below it is gone, and the holder has to hear it. */
  async function relocate(partition: number): Promise<void> {
    const part = parts.get(partition)
    if (part?.cursor === undefined || part.revoked) return
    try {
      const first = (await persist(() => askOffsets(cluster, topic, EARLIEST)))[partition] ?? 0
      if (parts.get(partition) !== part || part.revoked) return
      const position = part.cursor.fetchFrom
      fetcher.remove(partition)
      const anew: Part = { cursor: undefined, revoked: false }
      parts.set(partition, anew)
      options.onLost([partition])
      assign({ partition, position: first, lost: { position } })
    } catch (error) {
      log.warn({ group, topic, partition, error: errorText(error) }, 'the first retained offset is not known yet')
      fetcher.resume(partition, 0, RETRY_MS)
    }
  }

  function revoke(partitions: readonly number[]): Promise<void> {
    const done = letGo(partitions).finally(() => revocations.delete(done))
    revocations.add(done)
    return done
  }

  async function letGo(partitions: readonly number[]): Promise<void> {
    const giving = partitions.map((partition) => [partition, parts.get(partition)] as const)
    for (const [, part] of giving) {
      if (part === undefined) continue
      part.revoked = true
      part.cursor?.end()
    }
    const told = giving.filter(([, part]) => part?.cursor !== undefined).map(([partition]) => partition)
    try {
      if (told.length > 0) await options.onRevoke(told)
    } catch (error) {
      log.error({ group, topic, partitions, error: errorText(error) }, 'onRevoke failed; letting go nevertheless')
    }
    // What was lost meanwhile is somebody else's, perhaps ours again.
    drop(giving.filter(([partition, part]) => parts.get(partition) === part).map(([partition]) => partition))
    if (closing !== undefined || over) return
    const back = partitions.filter((partition) => share.includes(partition) && !parts.has(partition))
    if (back.length > 0) place(back)
    else membership.rejoin()
  }

  async function close(): Promise<void> {
    if (!over) {
      // The membership is kept up while the holder finishes, so that the session does not run out under it.
      const held = [...parts].filter(([, part]) => !part.revoked).map(([partition]) => partition)
      await Promise.all([...revocations, held.length > 0 ? letGo(held) : undefined])
      try {
        await membership.leave()
      } catch (error) {
        log.warn(
          { group, topic, error: errorText(error) },
          'could not leave the group; it will miss this member and go on',
        )
      }
    }
    end()
  }

  function fail(error: DrawbridgeError): void {
    if (over) return
    end()
    membership.leave().catch((cause: unknown) => {
      log.debug({ group, topic, error: errorText(cause) }, 'could not leave the group')
    })
    options.onFailed(isDrawbridgeError(error) ? error : closedError())
  }

  function end(): void {
    over = true
    drop([...parts.keys()])
    fetcher.close()
    cluster.dropLanes(lane)
    context.onClose(feed)
  }
}
