import { randomUUID } from 'node:crypto'
import type { Feed, FeedOptions } from '../../core/backend.ts'
import { type DrawbridgeError, errorText, hasCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { StoredRecord } from '../../core/record.ts'
import { getGroup } from './documents.ts'
import { fenced } from './errors.ts'
import { RENEW_MS, SESSION_TICKS, TICK_MS } from './leases.ts'
import { groupNumber } from './news.ts'
import { type Cursor, createCursor } from './pull.ts'
import type { ReadStore } from './reading.ts'
import type { FirstPositions, LeasedAssignment, TurnResult } from './requests.ts'
import type { Watch } from './watch.ts'
import type { WriterThread } from './writer-thread.ts'

export interface FeedContext {
  readonly read: ReadStore
  readonly watch: Watch
  readonly send: WriterThread['send']
  readonly log: Log
  readonly topicId: number
  readonly from: FirstPositions
  onClose(feed: EmbeddedFeed): void
}

export interface EmbeddedFeed extends Feed {
  /** Ends the feed: the store is of no use any more. */
  fail(error: DrawbridgeError): void
}

interface Part {
  readonly epoch: number
  readonly cursor: Cursor
  /** Set from the moment it is being given up; it is held, and commits go through, until it is released. */
  revoked: boolean
}

/** A silence after which the member may have been expired without knowing: a session's shortest length. */
const SESSION_MS = SESSION_TICKS * TICK_MS

/** Joins the group and keeps the membership up, one turn every RENEW_MS and at once on news of the group. */
export async function openEmbeddedFeed(context: FeedContext, options: FeedOptions): Promise<EmbeddedFeed> {
  const { log, send } = context
  const { group, topic, limits } = options
  const parts = new Map<number, Part>()
  const revocations = new Set<Promise<void>>()
  let member = randomUUID()
  let generation = 0
  /** When the last turn that was answered was asked for: a process may be stopped between an answer and its reading. */
  let heardAt = performance.now()
  let turning: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined
  let closing: Promise<void> | undefined
  let over = false

  const joined = await send({ kind: 'join', group, topic, member, from: context.from })
  const stopOverhearing = context.watch.overhear(groupNumber(group, context.topicId), onNews)
  // The caller has the feed in hand before its first partition arrives.
  setImmediate(() => {
    take(joined, heardAt)
    schedule()
  })
  const isStale = () => performance.now() - heardAt > SESSION_MS
  const feed: EmbeddedFeed = {
    get memberId() {
      return member
    },
    pull,
    commit,
    isStale,
    close: () => (closing ??= close()),
    fail,
  }
  return feed

  async function pull(partition: number): Promise<readonly StoredRecord[]> {
    const part = parts.get(partition)
    if (part === undefined || part.revoked) return []
    const records = await part.cursor.pull()
    // After a pause as long as a session the partition may be somebody else's: ask before handing out.
    if (isStale()) await turn()
    return parts.get(partition) === part && !part.revoked ? (records ?? []) : []
  }

  async function commit(partition: number, next: number): Promise<void> {
    const part = parts.get(partition)
    if (part === undefined) throw fenced(group, topic, partition)
    try {
      await send({ kind: 'commit', group, topic, member, partition, epoch: part.epoch, next })
    } catch (error) {
      if (hasCode(error, 'ERR_FENCED')) void turn()
      throw error
    }
  }

  function schedule(): void {
    clearTimeout(timer)
    if (!over) timer = setTimeout(() => void turn(), RENEW_MS)
  }

  function onNews(): void {
    if (over) return
    const found = context.read((snapshot) => getGroup(snapshot, group, context.topicId)?.generation)
    if (found !== generation) void turn()
  }

  function turn(): Promise<void> {
    turning ??= renew().finally(() => {
      turning = undefined
      schedule()
    })
    return turning
  }

  async function renew(): Promise<void> {
    if (over) return
    const askedAt = performance.now()
    try {
      take(await send({ kind: 'turn', group, topic, member, mayTake: closing === undefined }), askedAt)
    } catch (error) {
      onTurnFailed(error)
    }
  }

  function onTurnFailed(error: unknown): void {
    if (over) return
    if (hasCode(error, 'ERR_STORE_BUSY') || hasCode(error, 'ERR_STORE_FULL')) {
      // Nobody else can renew either, so no session runs out meanwhile.
      log.warn({ group, topic, member, code: error.code }, `membership not renewed, trying again: ${error.message}`)
    } else fail(error as DrawbridgeError)
  }

  function take(result: TurnResult, askedAt: number): void {
    if (over) return
    heardAt = askedAt
    generation = result.generation
    listen(result.wanting && closing === undefined)
    const fresh = result.assigned.map(({ partition }) => partition)
    lose(
      [...parts.keys()].filter((partition) => !result.held.includes(partition)),
      'this member did not renew in time',
    )
    if (result.gone) return void rejoin()
    const orphans = result.held.filter((partition) => !parts.has(partition) && !fresh.includes(partition))
    if (orphans.length > 0) void release(orphans)
    if (closing !== undefined) return
    for (const assignment of result.assigned) assign(assignment)
    const surplus = result.surplus.filter((partition) => parts.get(partition)?.revoked === false)
    if (surplus.length > 0) void revoke(surplus)
  }

  /** A member that waits for others to let go has perhaps no pull under way that would make the watch poll. */
  function listen(wanting: boolean): void {
    if (!wanting) stopListening?.()
    if (!wanting) stopListening = undefined
    else stopListening ??= context.watch.poll()
  }

  function assign({ epoch, ...assignment }: LeasedAssignment): void {
    const { partition, position } = assignment
    // What retention took is told, not skipped: the partition is given back and taken again, with its loss.
    const onOvertaken = () => {
      lose([partition], 'retention has passed the position')
      void turn()
    }
    const range = { topicId: context.topicId, partition, from: position, to: Infinity, limits, onOvertaken }
    parts.set(partition, { epoch, cursor: createCursor(context.read, context.watch, range), revoked: false })
    options.onAssign(assignment)
  }

  function drop(partitions: readonly number[]): void {
    for (const partition of partitions) {
      parts.get(partition)?.cursor.end()
      parts.delete(partition)
    }
  }

  function lose(partitions: readonly number[], why: string): void {
    if (partitions.length === 0) return
    drop(partitions)
    log.warn({ group, topic, member, partitions }, `partitions lost: ${why}`)
    options.onLost(partitions)
  }

  async function rejoin(): Promise<void> {
    if (closing !== undefined) return
    member = randomUUID()
    const askedAt = performance.now()
    try {
      take(await send({ kind: 'join', group, topic, member, from: context.from }), askedAt)
    } catch (error) {
      onTurnFailed(error)
    }
  }

  /** Lets go in two steps: the holder finishes what is in hand, only then can the next owner take the partition. */
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
      part.cursor.end()
    }
    try {
      await options.onRevoke(partitions)
    } catch (error) {
      log.error(
        { group, topic, member, partitions, error: errorText(error) },
        'onRevoke failed; letting go nevertheless',
      )
    }
    // What was lost meanwhile is somebody else's, perhaps ours again under another epoch.
    const mine = giving.filter(([partition, part]) => part !== undefined && parts.get(partition) === part)
    const released = mine.map(([partition]) => partition)
    drop(released)
    if (closing === undefined) await release(released)
  }

  /** Where this fails, the next turn finds the partitions held but not ours and releases them again. */
  async function release(partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0 || over) return
    try {
      await send({ kind: 'release', group, topic, member, partitions })
    } catch (error) {
      onTurnFailed(error)
    }
  }

  async function close(): Promise<void> {
    if (over) return
    // Turns go on while the holder finishes, so that the session does not run out under it; they take nothing any more.
    const held = [...parts].filter(([, part]) => !part.revoked).map(([partition]) => partition)
    await Promise.all([...revocations, held.length > 0 ? letGo(held) : undefined])
    await turning
    try {
      if (!over) await send({ kind: 'leave', group, topic, member })
    } catch (error) {
      log.warn(
        { group, topic, member, error: errorText(error) },
        'could not leave the group; it will miss this member and go on',
      )
    }
    end()
  }

  function fail(error: DrawbridgeError): void {
    if (over) return
    end()
    options.onFailed(error)
  }

  function end(): void {
    over = true
    clearTimeout(timer)
    stopListening?.()
    stopOverhearing()
    drop([...parts.keys()])
    context.onClose(feed)
  }
}
