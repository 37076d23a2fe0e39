import { hash } from 'node:crypto'

/*
 * What others should hear of, in the one value that every look at the store reads: counts, and beside each count a ring
 * of what the last ones were about. Who has seen a count a moment ago knows from the ring which partitions and groups to
 * look at, so that a store with tens of thousands of waiting readers wakes those it concerns. Who is too far behind to
 * tell looks at everything.
 */

/** Together they keep the value small enough to stand in a leaf page of LMDB. */
const PLACES = 128
const GROUPS = 64
/** More than a topic may have partitions. */
const PARTITIONS = 16_384

export interface Counters {
  /** Appends to a partition, and changes of a group that its members must hear of. */
  readonly appends: number
  readonly changes: number
  readonly nextTopicId: number
  /** Rings: number n, from 1, stands at n modulo its length. */
  readonly places: readonly number[]
  readonly groups: readonly number[]
}

const NO_NEWS: Counters = {
  appends: 0,
  changes: 0,
  nextTopicId: 1,
  places: Array.from({ length: PLACES }, () => 0),
  groups: Array.from({ length: GROUPS }, () => 0),
}

/** A partition of a topic as one number. */
export function placeNumber(topicId: number, partition: number): number {
  return topicId * PARTITIONS + partition
}

/** A group on a topic as one number. Two may share one: then the members of both look, and one finds nothing. */
export function groupNumber(group: string, topicId: number): number {
  return Number.parseInt(hash('sha256', `${topicId} ${group}`, 'hex').slice(0, 12), 16)
}

export function encodeCounters({ appends, changes, nextTopicId, places, groups }: Counters): readonly number[] {
  return [appends, changes, nextTopicId, ...places, ...groups]
}

export function decodeCounters(numbers: readonly number[] | undefined): Counters {
  if (numbers === undefined) return NO_NEWS
  const [appends = 0, changes = 0, nextTopicId = 1] = numbers
  const places = numbers.slice(3, 3 + PLACES)
  return { appends, changes, nextTopicId, places, groups: numbers.slice(3 + PLACES) }
}

/** With what a transaction has done. */
export function withNews(before: Counters, places: ReadonlySet<number>, groups: ReadonlySet<number>): Counters {
  const appended = entered(before.places, before.appends, places)
  const changed = entered(before.groups, before.changes, groups)
  return {
    ...before,
    appends: before.appends + places.size,
    changes: before.changes + groups.size,
    places: appended,
    groups: changed,
  }
}

/** What has come since, or `all` where the ring no longer tells. */
export interface News {
  readonly places: ReadonlySet<number> | 'all'
  readonly groups: ReadonlySet<number> | 'all'
}

export function newsBetween(seen: Counters, found: Counters): News {
  return {
    places: since(found.places, seen.appends, found.appends),
    groups: since(found.groups, seen.changes, found.changes),
  }
}

function entered(ring: readonly number[], count: number, news: ReadonlySet<number>): readonly number[] {
  const after = [...ring]
  let n = count
  for (const one of news) after[++n % ring.length] = one
  return after
}

function since(ring: readonly number[], seen: number, count: number): ReadonlySet<number> | 'all' {
  if (count - seen > ring.length || count < seen) return 'all'
  return new Set(Array.from({ length: count - seen }, (_, index) => ring[(seen + 1 + index) % ring.length] ?? 0))
}
