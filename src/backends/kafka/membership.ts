import { type DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from './calls-groups.ts'
import type { Joined, Membership as Identity } from './calls-groups.ts'
import type { Cluster } from './cluster.ts'
import { KAFKA, isMoving, kafkaError } from './errors.ts'
import {
  PROTOCOL,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  sharePartitions,
} from './share.ts'

const SESSION_MS = 10_000
/** Long enough for the process to start again and go on where it was. */
const STATIC_SESSION_MS = 60_000
const HEARTBEAT_MS = 500
const HEARTBEAT_TIMEOUT_MS = 4_000
/** How long the group waits for a member to join anew. Members join at once, also while they let partitions go. */
const REBALANCE_MS = 30_000
const TICK_MS = 250
const PAUSE_MS = 200
const LONGEST_PAUSE_MS = 2_000
/** Somebody else has what was ours. */
const OUT = new Set<number>([KAFKA.UNKNOWN_MEMBER_ID, KAFKA.ILLEGAL_GENERATION, KAFKA.FENCED_INSTANCE_ID])
/** How often members look whether the topic has grown. */
const WATCH_MS = 5_000

export interface MembershipOptions {
  readonly group: string
  /** null: a guest, who wants no partitions. */
  readonly topic: string | null
  readonly lane: string
  /** Makes the membership static (KIP-345): it outlives this process, and the next of this name goes on with it. */
  readonly instance: string | null
  readonly log: Log
  /** What this member still has a hand on, also what it is about to let go. */
  owned(): readonly number[]
  /** The share as the group sees it now. */
  onShare(partitions: readonly number[]): void
  /** Membership has ended without us: all is somebody else's. */
  onExpired(): void
  onFailed(error: DrawbridgeError): void
}

/** Keeps one membership of a group up: joins, beats, joins anew when the group changes (classic protocol, KIP-62, KIP-429). */
export interface Membership {
  /** Resolves after the first share is known. */
  start(): Promise<void>
  /** Something was let go, so the group may go on: join anew. */
  rejoin(): void
  readonly identity: Identity
  /** Resolves once the join under way is over; undefined where there is none. */
  joining(): Promise<void> | undefined
  /** Expires a membership that has been silent for a session. To be asked before anything is handed out. */
  check(): void
  /** Silent for a session, and nobody has been told yet. Changes nothing. */
  isStale(): boolean
  /** Asks the coordinator at once whether we are still a member. */
  verify(): void
  leave(): Promise<void>
}

export function createMembership(cluster: Cluster, options: MembershipOptions): Membership {
  const { group, topic, lane, log, instance } = options
  const sessionMs = instance === null ? SESSION_MS : STATIC_SESSION_MS
  const place = `group ${JSON.stringify(group)}`
  const started = Promise.withResolvers<void>()
  let member = ''
  let generation = -1
  let known = 0
  let over = false
  let wanted = false
  let joining = true
  let joined = Promise.withResolvers<void>()
  let heardAt = performance.now()
  let tickedAt = performance.now()
  let watchedAt = performance.now()
  let expired = false
  let wakeUp: (() => void) | undefined
  const ticker = setInterval(check, TICK_MS)

  return {
    start() {
      void run()
      return started.promise
    },
    rejoin() {
      wanted = true
      wakeUp?.()
    },
    get identity() {
      return { group, member, instance, generation }
    },
    joining: () => (joining ? joined.promise : undefined),
    check,
    isStale: () => silenceMs() > sessionMs,
    verify: () => wakeUp?.(),
    async leave() {
      if (over) return
      end()
      // A static member's partitions wait for it until its session is over.
      if (member === '' || instance !== null) return
      const error = await cluster.toCoordinator(group, 'main', leaveGroup({ group, member }), HEARTBEAT_TIMEOUT_MS)
      if (error !== KAFKA.NONE && error !== KAFKA.UNKNOWN_MEMBER_ID) throw kafkaError(error, place)
    },
  }

  function end(): void {
    over = true
    clearInterval(ticker)
    wakeUp?.()
    joined.resolve()
    cluster.dropLanes(`${lane}join`)
    cluster.dropLanes(`${lane}beat`)
  }

  /**
   * A stopped process does not see its session end: between its continuation and the next answer of the broker, the
   * new owner and this one would work side by side. The gap between two ticks shows it before that answer does.
   */
  function check(): void {
    const silent = silenceMs()
    tickedAt = performance.now()
    if (silent <= sessionMs || expired || over) return
    log.warn({ group, topic, member, silentMs: Math.round(silent) }, 'silent for longer than a session')
    expire()
    wanted = true
    wakeUp?.()
  }

  /** A join may wait for others for longer than a session; the broker knows of us meanwhile. */
  function silenceMs(): number {
    const now = performance.now()
    return joining ? now - tickedAt : Math.max(now - tickedAt, now - heardAt)
  }

  function expire(): void {
    expired = true
    options.onExpired()
  }

  async function run(): Promise<void> {
    for (let failed = 0; !over; ) {
      try {
        if (!joining) joined = Promise.withResolvers()
        joining = true
        const share = await join()
        if (share === undefined) continue
        joining = false
        failed = 0
        joined.resolve()
        options.onShare(share)
        started.resolve()
        await beat()
      } catch (error) {
        if (over) break
        if (isDrawbridgeError(error) && error.verdict === 'retry') {
          log.debug({ group, topic, error: errorText(error) }, 'membership interrupted, trying again')
          cluster.forgetCoordinator(group)
          // Members that lost the same broker do not come back all at once.
          await sleep(Math.min(PAUSE_MS * 2 ** failed++, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2))
        } else fail(error as DrawbridgeError)
      }
    }
  }

  function fail(error: DrawbridgeError): void {
    end()
    started.reject(error)
    started.promise.catch(() => undefined)
    options.onFailed(error)
  }

  /** undefined: to be tried again at once. */
  async function join(): Promise<readonly number[] | undefined> {
    wanted = false
    expired = false
    const partitions = await countPartitions()
    const owned = options.owned()
    const request = joinGroup({
      group,
      member,
      instance,
      sessionMs,
      rebalanceMs: REBALANCE_MS,
      protocol: PROTOCOL,
      metadata: encodeSubscription(topic, owned, owned.length === 0 ? -1 : generation),
    })
    const answer = await cluster.toCoordinator(group, `${lane}join`, request, REBALANCE_MS + sessionMs)
    if (over) return undefined
    if (answer.error === KAFKA.MEMBER_ID_REQUIRED) {
      member = answer.member
      return undefined
    }
    if (answer.error !== KAFKA.NONE) return refused(answer.error)
    member = answer.member
    generation = answer.generation
    known = partitions
    const shares = answer.leader === member ? await decide(answer) : []
    const synced = await cluster.toCoordinator(
      group,
      `${lane}join`,
      syncGroup({ group, member, instance, generation }, shares),
      REBALANCE_MS + sessionMs,
    )
    if (over) return undefined
    if (synced.error !== KAFKA.NONE) return refused(synced.error)
    heardAt = performance.now()
    // Stopped while joining: what was owned then is not ours any more, so the share was made of a wrong claim.
    return expired ? undefined : topic === null ? [] : decodeAssignment(synced.assignment, topic)
  }

  function refused(error: number): undefined {
    if (error === KAFKA.REBALANCE_IN_PROGRESS) return undefined
    if (error === KAFKA.UNKNOWN_MEMBER_ID || error === KAFKA.ILLEGAL_GENERATION) {
      if (error === KAFKA.UNKNOWN_MEMBER_ID) member = ''
      expire()
      return undefined
    }
    if (error === KAFKA.FENCED_INSTANCE_ID) expire()
    throw kafkaError(error, place)
  }

  /** As the leader: who gets what, of every topic any member wants. */
  async function decide({ members }: Joined): Promise<(readonly [string, Buffer])[]> {
    const views = members.map(({ id, metadata }) => decodeSubscription(id, metadata))
    const topics = [...new Set(views.flatMap((view) => view.topics))]
    const counts = new Map<string, number>()
    for (const name of topics) {
      // A topic that somebody waits for and that is not there has no partitions to share.
      const found = await cluster.topic(name).catch((error: unknown) => {
        if (isDrawbridgeError(error) && error.code === 'ERR_TOPIC_UNKNOWN') return undefined
        throw error
      })
      if (found !== undefined) counts.set(name, found.leaders.length)
    }
    const shares = sharePartitions(views, counts)
    return Array.from(shares, ([id, share]) => [id, encodeAssignment(share)] as const)
  }

  /** Returns when it is time to join anew. */
  async function beat(): Promise<void> {
    while (!over && !wanted) {
      await sleep(HEARTBEAT_MS)
      if (over || wanted) return
      const error = await beatOnce()
      if (error === KAFKA.NONE || error === KAFKA.REBALANCE_IN_PROGRESS) heardAt = performance.now()
      if (error === KAFKA.REBALANCE_IN_PROGRESS) return
      if (OUT.has(error)) {
        refused(error)
        return
      }
      if (error !== KAFKA.NONE && !isMoving(error)) throw kafkaError(error, place)
      if (isMoving(error)) cluster.forgetCoordinator(group)
      await watch()
    }
  }

  async function beatOnce(): Promise<number> {
    try {
      const request = heartbeat({ group, member, instance, generation })
      return await cluster.toCoordinator(group, `${lane}beat`, request, HEARTBEAT_TIMEOUT_MS)
    } catch (error) {
      // Silence is for `check` to judge; at the end we hang up ourselves.
      if (!over) log.debug({ group, topic, error: errorText(error) }, 'heartbeat failed, trying again')
      return KAFKA.COORDINATOR_NOT_AVAILABLE
    }
  }

  async function watch(): Promise<void> {
    if (performance.now() - watchedAt < WATCH_MS) return
    watchedAt = performance.now()
    try {
      if ((await countPartitions()) !== known) wanted = true
    } catch (error) {
      log.debug({ group, topic, error: errorText(error) }, 'the topic was not found when looking whether it has grown')
    }
  }

  async function countPartitions(): Promise<number> {
    return topic === null ? 0 : (await cluster.topic(topic, 0)).leaders.length
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(wake, ms)
      function wake(): void {
        clearTimeout(timer)
        wakeUp = undefined
        resolve()
      }
      wakeUp = wake
    })
  }
}
