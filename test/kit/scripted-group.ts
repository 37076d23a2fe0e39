import { randomUUID } from 'node:crypto'
import type { Assignment, Feed, FeedOptions, GroupDescription, StartPosition } from '../../src/core/backend.ts'
import { DrawbridgeError } from '../../src/core/errors.ts'
import { openCursor, type ScriptedCursor, type ScriptedLog, type ScriptedTopic } from './scripted-log.ts'

/** One group on one topic: who holds what, and where it stands. A free partition goes to whoever joined first. */
export interface ScriptedGroup {
  readonly group: string
  readonly topic: string
  /** By partition; null where it has none yet. */
  readonly positions: (number | null)[]
  isLive(): boolean
  describe(): GroupDescription
  join(options: FeedOptions, step: Step): Promise<Feed>
  /** The broker wants these back, in two steps; they stay free until `assign`. Resolves once they are given up. */
  revoke(partitions: readonly number[]): Promise<void>
  /** The broker takes these without asking; they stay free until `assign`. */
  lose(partitions: readonly number[]): void
  /** Gives what is free to whoever is there. */
  assign(): void
  /** The feed of every member fails. */
  fail(error: Error): void
  /** Retention has passed records: whoever stood among them loses the partition and gets it again. */
  overtake(): void
}

/** Where a test may make a call wait or fail: called before the call does anything. */
export type Step = (call: string) => Promise<void>

interface Part {
  readonly cursor: ScriptedCursor
  revoked: boolean
}

interface Member {
  readonly id: string
  readonly options: FeedOptions
  readonly held: Map<number, Part>
  leaving: boolean
}

export function createScriptedGroup(log: ScriptedLog, group: string, topic: string): ScriptedGroup {
  const members = new Set<Member>()
  const positions: (number | null)[] = []
  /** Partitions that a test has taken away and not given back. */
  const withheld = new Set<number>()

  const holderOf = (partition: number) => [...members].find(({ held }) => held.has(partition))
  const rangesOf = () => log.describe(topic).ranges

  function free(member: Member, partition: number): void {
    member.held.get(partition)?.cursor.end()
    member.held.delete(partition)
  }

  function assign(): void {
    const stored: ScriptedTopic = log.topic(topic)
    for (const [partition, { first }] of rangesOf().entries()) {
      const member = [...members].find(({ leaving }) => !leaving)
      if (member === undefined || withheld.has(partition) || holderOf(partition) !== undefined) continue
      // What appears after the group was made begins at its beginning.
      const known = (positions[partition] ??= 0)
      const position = Math.max(known, first)
      const cursor = openCursor(stored, { partition, from: position }, member.options.limits)
      member.held.set(partition, { cursor, revoked: false })
      const assignment: Assignment = { partition, position, ...(known < first ? { lost: { position: known } } : {}) }
      member.options.onAssign(assignment)
    }
  }

  async function letGo(member: Member, partitions: readonly number[]): Promise<void> {
    const asked = partitions.filter((partition) => member.held.get(partition)?.revoked === false)
    if (asked.length === 0) return
    for (const partition of asked) {
      const part = member.held.get(partition)
      if (part === undefined) continue
      part.revoked = true
      part.cursor.end()
    }
    const parts = asked.map((partition) => [partition, member.held.get(partition)] as const)
    await member.options.onRevoke(asked)
    // What was lost meanwhile is somebody else's, perhaps this member's again.
    for (const [partition, part] of parts) if (member.held.get(partition) === part) free(member, partition)
  }

  function lose(partitions: readonly number[]): void {
    for (const member of members) {
      const lost = partitions.filter((partition) => member.held.has(partition))
      for (const partition of lost) free(member, partition)
      if (lost.length > 0) member.options.onLost(lost)
    }
  }

  function openFeed(member: Member, step: Step): Feed {
    let closing: Promise<void> | undefined
    async function close(): Promise<void> {
      member.leaving = true
      await letGo(member, [...member.held.keys()])
      members.delete(member)
      assign()
    }
    return {
      memberId: member.id,
      async pull(partition) {
        await step(`pull ${topic} ${partition}`)
        const part = member.held.get(partition)
        if (part === undefined || part.revoked) return []
        const records = (await part.cursor.pull()) ?? []
        // A partition that went while its records were on the way is not this member's to hand out.
        return member.held.get(partition) === part && !part.revoked ? records : []
      },
      async commit(partition, next) {
        const part = member.held.get(partition)
        await step(`commit ${topic} ${partition} ${next}`)
        if (part === undefined || member.held.get(partition) !== part)
          throw new DrawbridgeError('ERR_FENCED', `partition ${partition} of ${topic} is not this member's any more`)
        positions[partition] = next
      },
      close: () => (closing ??= close()),
    }
  }

  return {
    group,
    topic,
    positions,
    lose(partitions) {
      for (const partition of partitions) withheld.add(partition)
      lose(partitions)
    },
    assign() {
      withheld.clear()
      assign()
    },
    isLive: () => members.size > 0,
    describe: () => ({
      group,
      topic,
      members: [...members].map(({ id, held }) => ({ id, partitions: [...held.keys()].sort((a, b) => a - b) })),
      positions: rangesOf().map(({ end }, partition) => {
        const next = positions[partition] ?? null
        const { records } = log.topic(topic).partitions[partition] ?? { records: [] }
        return { next, end, lag: records.filter(({ offset }) => offset >= (next ?? 0)).length }
      }),
    }),
    async join(options, step) {
      if (positions.length === 0) positions.push(...startOf(log, topic, options.from))
      const member = { id: randomUUID(), options, held: new Map<number, Part>(), leaving: false }
      members.add(member)
      // The caller has the feed in hand before its first partition arrives.
      setImmediate(() => {
        if (!member.leaving) assign()
      })
      return openFeed(member, step)
    },
    async revoke(partitions) {
      for (const partition of partitions) withheld.add(partition)
      await Promise.all([...members].map((member) => letGo(member, partitions)))
    },
    fail(error) {
      for (const member of members) {
        members.delete(member)
        for (const partition of member.held.keys()) free(member, partition)
        member.options.onFailed(error)
      }
    },
    overtake() {
      const passed = [...members].flatMap(({ held }) =>
        [...held].flatMap(([partition, { cursor, revoked }]) =>
          !revoked && cursor.next < (rangesOf()[partition]?.first ?? 0) ? [partition] : [],
        ),
      )
      lose(passed)
      assign()
    },
  }
}

/** ERR_CONFIG for an offset that the topic has not. */
function startOf(log: ScriptedLog, topic: string, from: StartPosition): readonly number[] {
  const { ranges } = log.describe(topic)
  if (from === 'earliest') return ranges.map(({ first }) => first)
  if (from === 'latest') return ranges.map(({ end }) => end)
  if ('timestamp' in from) return log.offsetsAt(topic, from.timestamp)
  return ranges.map(({ first, end }, partition) => {
    const offset = from.offsets[partition] ?? first
    if (offset <= end) return offset
    throw new DrawbridgeError('ERR_CONFIG', `offset ${offset} of partition ${partition} is beyond the end ${end}`)
  })
}
