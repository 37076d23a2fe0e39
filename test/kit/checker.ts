import { createRecordTable } from './record-table.ts'

/** What a run can be found guilty of. */
export const CRIMES = {
  unseen: 'acknowledged, and not in the log',
  'failed-seen': 'known not to be written, and in the log',
  'stored-twice': 'one send, and in the log twice',
  'shared-place': 'at a place (partition, offset) where another record is',
  displaced: 'not at the place that was told of it before',
  strange: 'in the log or handled, and nobody sent it',
  'log-order': 'in the log before an earlier record of its sender and key',
  lost: 'acknowledged or in the log, and never handled',
  'handling-order': 'handled for the first time after a later record of its key',
  repeated: 'handled again, though no kill, stop or hand-over explains it',
  skipped: 'not handled when the position had passed it',
  'position-back': 'a position that went back',
} as const

export type Crime = keyof typeof CRIMES

export interface Finding {
  readonly crime: Crime
  readonly count: number
  /** The first few. */
  readonly examples: readonly string[]
}

/** `number` counts the sends of one source (a producer's life) from 0. */
export interface RecordName {
  readonly source: string
  readonly number: number
}

export interface Place {
  readonly partition: number
  readonly offset: number
}

export interface Counts {
  readonly acknowledged: number
  readonly failed: number
  readonly stored: number
  /** Different records handled. */
  readonly handled: number
  /** Handled again after a kill or stop, as is allowed. */
  readonly excused: number
  /** Handled again after a hand-over, because the one who let go had not finished an earlier record of the partition. */
  readonly handedOver: number
}

/**
 * Judges a run by what its processes noted down. Call in this order: all sends, the whole log, then what happened in the
 * order of time (`handled`, `position`, `disturbed`), at last `findings`. Times are microseconds of one clock.
 */
export interface Checker {
  /** The source may have sent all numbers below. A record beyond is strange. */
  began(source: string, below: number): void
  sent(record: RecordName, outcome: 'acknowledged' | 'not-written' | 'unknown', place?: Partial<Place>): void
  /** A record of the log as it was read, each partition in its order. */
  stored(record: RecordName, place: Place, key: string): void
  handled(
    effect: RecordName & Place & { readonly key: string; readonly who: string; readonly begunAt: number },
    at: number,
  ): void
  /** The group's position, read before `at`. */
  position(partition: number, next: number): void
  /** From `at` on `who` is dead or stopped; until it is `woken`. */
  disturbed(who: string, at: number): void
  woken(who: string, at: number): void
  counts(): Counts
  /** Nothing is clean. `handling` false leaves out what only handlers can be guilty of. */
  findings(options?: { readonly handling: boolean }): readonly Finding[]
}

const ACKNOWLEDGED = 1
const NOT_WRITTEN = 2
const PLACED = 4
const STORED = 8
const HANDLED = 16
const REPEATED = 32
const EXAMPLES = 10
/** Records a member may have in hand per partition. */
const WINDOW = 1_000

type Book = Map<Crime, { count: number; readonly examples: string[] }>

export function createChecker(): Checker {
  const table = createRecordTable()
  const found: Book = new Map()
  const begun = new Map<string, number>()
  /** Highest number in the log by source and key; highest offset handled by partition and key. */
  const newestStored = new Map<string, number>()
  const newestHandled = new Map<string, number>()
  const positions = new Map<number, number>()
  const members = new Map<string, { readonly id: number; readonly disturbances: { from: number; to: number }[] }>()
  const disturbancesById: { from: number; to: number }[][] = []
  const names: string[] = []
  const counts = { acknowledged: 0, failed: 0, stored: 0, handled: 0, excused: 0, handedOver: 0 }

  function note(crime: Crime, example: string, book = found): void {
    const entry = book.get(crime) ?? { count: 0, examples: [] }
    book.set(crime, entry)
    entry.count++
    if (entry.examples.length < EXAMPLES) entry.examples.push(example)
  }

  function memberOf(who: string) {
    const known = members.get(who)
    if (known !== undefined) return known
    const made = { id: disturbancesById.length, disturbances: [] }
    disturbancesById.push(made.disturbances)
    names.push(who)
    members.set(who, made)
    return made
  }

  /** The record is at this place: nothing that was told before may say otherwise. */
  function settle(id: number, place: Place, what: string): void {
    const holder = table.at(place.partition, place.offset)
    const example = () => `${table.nameOf(id)} ${what} at ${place.partition}:${place.offset}`
    if (holder !== undefined && holder !== id) note('shared-place', `${example()}, where ${table.nameOf(holder)} is`)
    else if (holder === undefined && (table.flags(id) & PLACED) !== 0) note('displaced', example())
    if (holder === undefined) table.setAt(place.partition, place.offset, id)
    table.flag(id, PLACED)
  }

  function checkSent({ source, number }: RecordName, id: number): void {
    if (number < (begun.get(source) ?? 0)) return
    note('strange', table.nameOf(id))
  }

  function excused(member: number, begunAt: number, now: number): boolean {
    const own = disturbancesById[member] ?? []
    return own.some(({ from, to }) => begunAt <= to && from <= now)
  }

  /** Whether an earlier record of the partition was still unfinished when this one was handled: the position could not pass it. */
  function wasAhead({ partition, offset }: Place, begunAt: number): boolean {
    for (let earlier = offset - 1; earlier >= Math.max(0, offset - WINDOW); earlier--) {
      const id = table.at(partition, earlier)
      if (id === undefined) continue
      const flags = table.flags(id)
      const late = (flags & REPEATED) === 0 && table.handler(id).begunAt > begunAt
      if ((flags & HANDLED) === 0 || late) return true
    }
    return false
  }

  return {
    began: (source, below) => void begun.set(source, Math.max(below, begun.get(source) ?? 0)),
    sent({ source, number }, outcome, place = {}) {
      const id = table.idOf(source, number)
      begun.set(source, Math.max(number + 1, begun.get(source) ?? 0))
      if (outcome === 'acknowledged') {
        counts.acknowledged++
        table.flag(id, ACKNOWLEDGED)
        const { partition, offset } = place
        if (partition !== undefined && offset !== undefined) settle(id, { partition, offset }, 'acknowledged')
      } else {
        counts.failed++
        if (outcome === 'not-written') table.flag(id, NOT_WRITTEN)
      }
    },
    stored(record, place, key) {
      const id = table.idOf(record.source, record.number)
      const flags = table.flags(id)
      counts.stored++
      checkSent(record, id)
      if ((flags & NOT_WRITTEN) !== 0) note('failed-seen', table.nameOf(id))
      if ((flags & STORED) !== 0) {
        note('stored-twice', `${table.nameOf(id)} again at ${place.partition}:${place.offset}`)
        if (table.at(place.partition, place.offset) === undefined) table.setAt(place.partition, place.offset, id)
        return
      }
      settle(id, place, 'stored')
      table.flag(id, STORED)
      const lane = `${record.source} ${key}`
      const newest = newestStored.get(lane) ?? -1
      if (record.number < newest) note('log-order', `${table.nameOf(id)} after #${newest}`)
      else newestStored.set(lane, record.number)
    },
    handled(effect, at) {
      const id = table.idOf(effect.source, effect.number)
      const { id: who } = memberOf(effect.who)
      if ((table.flags(id) & HANDLED) === 0) {
        counts.handled++
        checkSent(effect, id)
        settle(id, effect, 'handled')
        table.flag(id, HANDLED)
        const lane = `${effect.partition} ${effect.key}`
        const newest = newestHandled.get(lane) ?? -1
        if (effect.offset < newest) note('handling-order', `${table.nameOf(id)} after offset ${newest} of ${lane}`)
        else newestHandled.set(lane, effect.offset)
      } else {
        const earlier = table.handler(id)
        settle(id, effect, 'handled')
        table.flag(id, REPEATED)
        if (excused(earlier.who, earlier.begunAt, at) || excused(who, effect.begunAt, at)) counts.excused++
        else if (earlier.who !== who && wasAhead(effect, earlier.begunAt)) counts.handedOver++
        else
          note(
            'repeated',
            `${table.nameOf(id)} at ${effect.partition}:${effect.offset} by ${effect.who} at ${at}, before by ${names[earlier.who]}`,
          )
      }
      table.setHandler(id, who, effect.begunAt)
    },
    position(partition, next) {
      const before = positions.get(partition) ?? 0
      if (next < before) note('position-back', `partition ${partition}: ${next} after ${before}`)
      for (let offset = before; offset < next; offset++) {
        const id = table.at(partition, offset)
        if (id === undefined || (table.flags(id) & HANDLED) !== 0) continue
        note('skipped', `${table.nameOf(id)} at ${partition}:${offset}, position ${next}`)
      }
      positions.set(partition, Math.max(next, before))
    },
    disturbed: (who, at) => void memberOf(who).disturbances.push({ from: at, to: Number.POSITIVE_INFINITY }),
    woken(who, at) {
      const last = memberOf(who).disturbances.at(-1)
      if (last !== undefined) last.to = at
    },
    counts: () => ({ ...counts }),
    findings({ handling } = { handling: true }) {
      const book = new Map(
        [...found].map(([crime, { count, examples }]) => [crime, { count, examples: [...examples] }]),
      )
      for (const id of table.ids()) {
        const flags = table.flags(id)
        if ((flags & ACKNOWLEDGED) !== 0 && (flags & STORED) === 0) note('unseen', table.nameOf(id), book)
        const owed = (flags & (ACKNOWLEDGED | STORED)) !== 0 && (flags & HANDLED) === 0
        if (handling && owed) note('lost', table.nameOf(id), book)
      }
      return [...book].map(([crime, entry]) => ({ crime, ...entry }))
    },
  }
}
