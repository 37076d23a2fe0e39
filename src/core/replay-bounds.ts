import { randomUUID } from 'node:crypto'
import type { Backend } from './backend.ts'
import type { Clock } from './clock.ts'
import { DrawbridgeError, hasCode, isDrawbridgeError } from './errors.ts'
import { NO_HEADERS, type StoredRecord } from './record.ts'
import { createTopicLog } from './topic-log.ts'
import { sleep } from './wait.ts'

/** What a group replays: by partition number, half-open. A partition that came later is no part of it. */
export interface ReplayRange {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/**
 * Where groups that replay have to end. Kept in a topic, so that a bound outlives every process: the positions are the
 * backend's, the bound is core's, and `move` sets both as one step.
 */
export interface ReplayBounds {
  /**
   * The range the group replays, if it does. Ask after joining: whoever moves a group finds it idle, so the answer then
   * holds until the member leaves. ERR_REPLAY_UNFINISHED when a move was begun and not finished.
   */
  find(group: string, topic: string): Promise<ReplayRange | undefined>
  /** As `find`, for looking on: never waits, and says of an unfinished move only what stood before it. */
  peek(group: string, topic: string): Promise<ReplayRange | undefined>
  /**
   * Calls `reposition` (which has to refuse a group with live members), and leaves this bound, or none. Where it is
   * interrupted, members are refused with ERR_REPLAY_UNFINISHED until the group is moved again. ERR_GROUP_ACTIVE.
   */
  move(group: string, topic: string, bound: ReplayRange | null, reposition: () => Promise<void>): Promise<void>
  /** Takes away the bounds of all groups on a topic that has been deleted: not every broker tells a topic's lives apart. */
  forget(topic: string): Promise<void>
  /** ERR_GROUP_ACTIVE while the group has live members. */
  checkIdle(group: string, topic: string): Promise<void>
}

export const REPLAY_TOPIC = 'drawbridge.replays'
/** How long a member that joins waits for a move under way, milliseconds, and how often it looks. */
const MOVE_PATIENCE_MS = 10_000
const LOOK_AGAIN_MS = 200

/** A record of the log. It counts only where its version is the next one of its group and topic; else it came too late. */
interface Entry {
  readonly id: string
  readonly group: string
  readonly topic: string
  readonly version: number
  /** The life of the topic that it speaks of. */
  readonly incarnation: string
  /** The positions are being changed; `bound` is what stood before. */
  readonly moving: boolean
  readonly bound: ReplayRange | null
}

export function createReplayBounds(backend: Backend, clock: Clock, patienceMs = MOVE_PATIENCE_MS): ReplayBounds {
  const newest = new Map<string, Entry>()
  const proposed = new Set<string>()
  const log = createTopicLog(backend, REPLAY_TOPIC, apply)

  function apply({ value }: StoredRecord): void {
    const entry = parseEntry(value)
    if (entry === undefined) return
    proposed.delete(entry.id)
    const key = keyOf(entry.group, entry.topic)
    if (entry.version === (newest.get(key)?.version ?? 0) + 1) newest.set(key, entry)
  }

  /** What stands, if it speaks of the topic's present life. */
  async function current(group: string, topic: string): Promise<Entry | undefined> {
    await log.catchUp()
    const entry = newest.get(keyOf(group, topic))
    if (entry === undefined || (entry.bound === null && !entry.moving)) return undefined
    const { incarnation } = await backend.describeTopic(topic)
    return entry.incarnation === incarnation ? entry : undefined
  }

  /** Resolves to the entry as it stands, or undefined when another one came first. */
  async function propose(state: Omit<Entry, 'id'>): Promise<Entry | undefined> {
    const entry = { ...state, id: randomUUID() }
    const value = Buffer.from(JSON.stringify(entry))
    proposed.add(entry.id)
    await log.append({
      key: Buffer.from(keyOf(entry.group, entry.topic)),
      value,
      headers: NO_HEADERS,
      timestamp: clock.now(),
    })
    while (proposed.has(entry.id)) await log.catchUp()
    const standing = newest.get(keyOf(entry.group, entry.topic))
    return standing?.id === entry.id ? entry : undefined
  }

  async function checkIdle(group: string, topic: string): Promise<void> {
    try {
      const { members } = await backend.describeGroup(group, topic)
      if (members.length === 0) return
    } catch (error) {
      if (hasCode(error, 'ERR_GROUP_UNKNOWN')) return
      throw error
    }
    throw new DrawbridgeError(
      'ERR_GROUP_ACTIVE',
      `group ${group} has live members on topic ${topic}; stop them first, or take another group`,
      { details: { group, topic } },
    )
  }

  /** Two movers at once: nobody may take the group for settled where their steps may have been mixed. */
  async function invalidate(state: Omit<Entry, 'id' | 'version'>): Promise<never> {
    const { group, topic } = state
    const key = keyOf(group, topic)
    while ((await propose({ ...state, moving: true, version: (newest.get(key)?.version ?? 0) + 1 })) === undefined);
    throw unfinished(group, topic, 'was moved by somebody else at the same time')
  }

  return {
    checkIdle,

    async find(group, topic) {
      let entry = await current(group, topic)
      for (let waited = 0; entry?.moving === true; waited += LOOK_AGAIN_MS) {
        if (waited >= patienceMs) throw unfinished(group, topic, 'was to be moved, and that was not finished')
        await sleep(clock, LOOK_AGAIN_MS, NEVER)
        entry = await current(group, topic)
      }
      return entry?.bound ?? undefined
    },

    async peek(group, topic) {
      return (await current(group, topic))?.bound ?? undefined
    },

    async forget(topic) {
      await log.catchUp()
      const left = [...newest.values()].filter(
        (entry) => entry.topic === topic && (entry.moving || entry.bound !== null),
      )
      for (const { id: _, ...entry } of left)
        await propose({ ...entry, version: entry.version + 1, moving: false, bound: null })
    },

    async move(group, topic, bound, reposition) {
      const before = await current(group, topic)
      if (before === undefined && bound === null) return await reposition()
      await checkIdle(group, topic)
      const { incarnation } = await backend.describeTopic(topic)
      const state = { group, topic, incarnation }
      const was = before?.bound ?? null
      const version = (newest.get(keyOf(group, topic))?.version ?? 0) + 1
      const begun = await propose({ ...state, version, moving: true, bound: was })
      if (begun === undefined) throw unfinished(group, topic, 'is being moved by somebody else')
      try {
        await reposition()
      } catch (error) {
        // A refusal changed nothing, so what stood stands again; after anything else nobody knows.
        if (hasCode(error, 'ERR_GROUP_UNKNOWN'))
          await propose({ ...state, version: version + 1, moving: false, bound: null })
        else if (isDrawbridgeError(error) && error.verdict === 'refuse')
          await propose({ ...state, version: version + 1, moving: before?.moving === true, bound: was })
        throw error
      }
      const settled = await propose({ ...state, version: version + 1, moving: false, bound })
      if (settled === undefined) await invalidate({ ...state, moving: true, bound: was })
    },
  }
}

const NEVER = new AbortController().signal

function unfinished(group: string, topic: string, what: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_REPLAY_UNFINISHED',
    `group ${group} on topic ${topic} ${what}: run the replay again, or move the group with groups reset or groups delete`,
    { details: { group, topic } },
  )
}

function keyOf(group: string, topic: string): string {
  return JSON.stringify([group, topic])
}

/** Undefined for what is not ours: anybody can write to a topic. */
function parseEntry(value: Buffer | null): Entry | undefined {
  try {
    const entry = JSON.parse(value?.toString('utf8') ?? '') as Partial<Entry>
    const { id, group, topic, version, incarnation, moving, bound } = entry
    const texts = [id, group, topic, incarnation].every((text) => typeof text === 'string')
    if (!texts || !Number.isSafeInteger(version) || typeof moving !== 'boolean') return undefined
    return bound === null || isRange(bound) ? (entry as Entry) : undefined
  } catch {
    return undefined
  }
}

function isRange(range: Partial<ReplayRange> | undefined): boolean {
  const { from, to } = range ?? {}
  return [from, to].every(
    (offsets) => Array.isArray(offsets) && offsets.every((offset) => Number.isSafeInteger(offset)),
  )
}
