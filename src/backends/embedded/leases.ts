/*
 * Who holds which partition of a group, as arithmetic on the group's document. Every function is pure; the writer
 * applies it inside one transaction, which is all the locking there is.
 */

/** Ticks of the store a member may miss. With a tick at most every 250 ms that is at least 3 s. */
export const SESSION_TICKS = 12
/** Milliseconds between two ticks at least; below RENEW_MS, so that a lone member's every renewal is a tick. */
export const TICK_MS = 250
/** Milliseconds between two renewals of a member. */
export const RENEW_MS = 300

/** The store's age in renewals. `at` is CLOCK_MONOTONIC in ms, which all processes of one machine share until it boots. */
export interface Tick {
  readonly count: number
  readonly at: number
}

export interface MemberDoc {
  /** Tick of the last renewal. */
  readonly seen: number
  readonly pid: number
  /** Tells a process from a later one of the same pid; empty where the system does not say. */
  readonly started: string
}

export interface Lease {
  readonly owner: string | null
  /** Counts the takings. A commit must carry the epoch of its taking. */
  readonly epoch: number
}

/** A group on a topic. Its existence is the group's witness: it is written with the first positions and stays. */
export interface GroupDoc {
  readonly incarnation: string
  /** Partitions that have got a first position; later ones start at their beginning. */
  readonly known: number
  /** Counts what members must hear of soon: joins, leaves, expiries, releases. */
  readonly generation: number
  readonly members: Readonly<Record<string, MemberDoc>>
  readonly leases: readonly Lease[]
}

/** Whether the process that runs a member is still there. */
export type IsAlive = (member: MemberDoc) => boolean

export interface Turn {
  readonly doc: GroupDoc
  /** Partitions taken now, lowest first. */
  readonly taken: readonly number[]
  /** Partitions the member holds over its share and has to give up. */
  readonly surplus: readonly number[]
  /** Members that were expired. */
  readonly expired: readonly string[]
  /** The member holds less than its share: others have yet to let go. */
  readonly wanting: boolean
}

/** A clock that runs backwards (the machine has booted since) counts as a tick, too. */
export function advanceTick(tick: Tick, now: number): Tick {
  return now < tick.at || now - tick.at >= TICK_MS ? { count: tick.count + 1, at: now } : tick
}

export function newGroup(incarnation: string, partitions: number): GroupDoc {
  return { incarnation, known: partitions, generation: 0, members: {}, leases: [] }
}

export function isLive(member: MemberDoc, tick: number, isAlive: IsAlive): boolean {
  return tick - member.seen <= SESSION_TICKS && isAlive(member)
}

/** Ids of the members that count. */
export function liveMembers(doc: GroupDoc, tick: number, isAlive: IsAlive): string[] {
  return Object.keys(doc.members)
    .filter((id) => {
      const member = doc.members[id]
      return member !== undefined && isLive(member, tick, isAlive)
    })
    .sort()
}

export function heldBy(doc: GroupDoc, id: string): number[] {
  return doc.leases.flatMap((lease, partition) => (lease.owner === id ? [partition] : []))
}

export function withMember(doc: GroupDoc, id: string, member: MemberDoc): GroupDoc {
  return { ...doc, generation: doc.generation + 1, members: { ...doc.members, [id]: member } }
}

/** Without the members and everything they hold. */
export function withoutMembers(doc: GroupDoc, ids: readonly string[]): GroupDoc {
  if (ids.length === 0) return doc
  const members = Object.fromEntries(Object.entries(doc.members).filter(([id]) => !ids.includes(id)))
  const leases = doc.leases.map((lease) =>
    lease.owner !== null && ids.includes(lease.owner) ? { owner: null, epoch: lease.epoch } : lease,
  )
  return { ...doc, generation: doc.generation + 1, members, leases }
}

/** Frees those of the partitions the member holds. */
export function withReleased(doc: GroupDoc, id: string, partitions: readonly number[]): GroupDoc {
  const mine = partitions.filter((partition) => doc.leases[partition]?.owner === id)
  if (mine.length === 0) return doc
  const leases = doc.leases.map((lease, partition) =>
    mine.includes(partition) ? { owner: null, epoch: lease.epoch } : lease,
  )
  return { ...doc, generation: doc.generation + 1, leases }
}

/**
 * A member's turn: renews it, expires the silent and the dead, takes free partitions up to its share. Null when the
 * member itself is gone. A share is partitions / members rounded down; the remainder goes to the members that hold the
 * most already (then by id), so that a settled group stays settled.
 */
export function takeTurn(
  before: GroupDoc,
  id: string,
  options: { readonly tick: number; readonly partitions: number; readonly mayTake: boolean; readonly isAlive: IsAlive },
): Turn | null {
  const me = before.members[id]
  if (me === undefined) return null
  const renewed = { ...before, members: { ...before.members, [id]: { ...me, seen: options.tick } } }
  const live = liveMembers(renewed, options.tick, (member) => member.pid === me.pid || options.isAlive(member))
  const expired = Object.keys(renewed.members).filter((member) => !live.includes(member))
  const doc = withoutMembers(renewed, expired)
  const leases = Array.from({ length: options.partitions }, (_, p) => doc.leases[p] ?? { owner: null, epoch: 0 })
  const held = leases.flatMap((lease, partition) => (lease.owner === id ? [partition] : []))
  const share = shareOf(id, live, leases)
  const taken: number[] = []
  for (const [partition, lease] of leases.entries()) {
    if (!options.mayTake || held.length + taken.length >= share) break
    if (lease.owner !== null) continue
    leases[partition] = { owner: id, epoch: lease.epoch + 1 }
    taken.push(partition)
  }
  return {
    doc: { ...doc, leases },
    taken,
    surplus: held.slice(share),
    expired,
    wanting: options.mayTake && held.length + taken.length < share,
  }
}

function shareOf(id: string, live: readonly string[], leases: readonly Lease[]): number {
  const held = new Map(live.map((member) => [member, 0]))
  for (const { owner } of leases) if (owner !== null) held.set(owner, (held.get(owner) ?? 0) + 1)
  const count = (member: string): number => held.get(member) ?? 0
  const ranked = [...live].sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1))
  const extra = leases.length % live.length
  return Math.floor(leases.length / live.length) + (ranked.indexOf(id) < extra ? 1 : 0)
}
