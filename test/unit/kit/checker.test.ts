import { describe, expect, it } from '@jest/globals'
import { type Checker, CRIMES, type Crime, createChecker } from '../../kit/checker.ts'

const place = (offset: number, partition = 0) => ({ partition, offset })
const record = (number: number, source = 's') => ({ source, number })

/** Sends 0…n−1 acknowledged at offsets 0…n−1 of partition 0. */
function sentAndStored(checker: Checker, n: number): void {
  for (let number = 0; number < n; number++) checker.sent(record(number), 'acknowledged', place(number))
  for (let number = 0; number < n; number++) checker.stored(record(number), place(number), 'k')
}

function handle(checker: Checker, number: number, more: { who?: string; at?: number; begunAt?: number } = {}): void {
  const { who = 'a', at = number + 1, begunAt = at } = more
  checker.handled({ ...record(number), ...place(number), key: 'k', who, begunAt }, at)
}

function crimes(checker: Checker): Partial<Record<Crime, readonly string[]>> {
  return Object.fromEntries(checker.findings().map(({ crime, examples }) => [crime, examples]))
}

describe('checker of fault runs', () => {
  it('finds nothing in a clean run', () => {
    const checker = createChecker()
    checker.began('s', 5)
    checker.sent(record(0), 'acknowledged', place(0))
    checker.sent(record(1), 'acknowledged')
    checker.sent(record(2), 'unknown')
    checker.sent(record(3), 'unknown')
    checker.sent(record(4), 'not-written')
    for (const number of [0, 1, 2]) checker.stored(record(number), place(number), 'k')
    for (const number of [0, 1]) handle(checker, number)
    checker.position(0, 2)
    handle(checker, 2)
    checker.position(0, 3)
    expect(checker.findings()).toEqual([])
    expect(checker.counts()).toEqual({ acknowledged: 2, failed: 3, stored: 3, handled: 3, excused: 0, handedOver: 0 })
  })

  it('finds an acknowledged record that is not in the log', () => {
    const checker = createChecker()
    checker.sent(record(7), 'acknowledged')
    expect(crimes(checker)).toEqual({ unseen: ['s#7'], lost: ['s#7'] })
  })

  it('finds a lost record: acknowledged or in the log, never handled', () => {
    const checker = createChecker()
    sentAndStored(checker, 2)
    checker.sent(record(2), 'unknown')
    checker.stored(record(2), place(2), 'k')
    handle(checker, 0)
    expect(crimes(checker)).toEqual({ lost: ['s#1', 's#2'] })
    expect(checker.findings({ handling: false })).toEqual([])
  })

  it('finds a failed send that was stored', () => {
    const checker = createChecker()
    checker.sent(record(0), 'not-written')
    checker.stored(record(0), place(0), 'k')
    handle(checker, 0)
    expect(crimes(checker)).toEqual({ 'failed-seen': ['s#0'] })
  })

  it('finds one send that is stored twice', () => {
    const checker = createChecker()
    sentAndStored(checker, 1)
    checker.stored(record(0), place(1), 'k')
    handle(checker, 0)
    expect(crimes(checker)).toEqual({ 'stored-twice': ['s#0 again at 0:1'] })
  })

  it('finds two values at one place, in the log, by receipts and by handlers', () => {
    const stored = createChecker()
    stored.began('s', 2)
    for (const number of [0, 1]) stored.stored(record(number), place(4), 'k')
    const told = createChecker()
    for (const number of [0, 1]) told.sent(record(number), 'acknowledged', place(4))
    const handled = createChecker()
    sentAndStored(handled, 2)
    handle(handled, 0)
    handled.handled({ ...record(1), ...place(0), key: 'k', who: 'a', begunAt: 2 }, 2)
    for (const checker of [stored, told, handled])
      expect(crimes(checker)['shared-place']).toEqual([expect.stringMatching(/^s#1 \w+ at 0:[04], where s#0 is$/)])
  })

  it('finds a record that is not where its receipt says', () => {
    const checker = createChecker()
    checker.sent(record(0), 'acknowledged', place(3))
    checker.stored(record(0), place(4), 'k')
    expect(crimes(checker)['displaced']).toEqual(['s#0 stored at 0:4'])
    const moved = createChecker()
    moved.sent(record(0), 'acknowledged', place(3, 1))
    moved.stored(record(0), place(3, 0), 'k')
    expect(crimes(moved)['displaced']).toEqual(['s#0 stored at 0:3'])
  })

  it('finds a record that nobody sent', () => {
    const checker = createChecker()
    checker.began('s', 1)
    checker.stored(record(1), place(0), 'k')
    checker.handled({ ...record(0, 'x'), ...place(1), key: 'k', who: 'a', begunAt: 1 }, 1)
    expect(crimes(checker)['strange']).toEqual(['s#1', 'x#0'])
  })

  it('finds a broken order in the log, of one sender and key only', () => {
    const checker = createChecker()
    checker.began('s', 3)
    checker.began('t', 1)
    checker.stored(record(1), place(0), 'k')
    checker.stored(record(0, 't'), place(1), 'k')
    checker.stored(record(2), place(2), 'other')
    checker.stored(record(0), place(3), 'k')
    expect(crimes(checker)['log-order']).toEqual(['s#0 after #1'])
  })

  it('finds a broken order of handling, of one key only', () => {
    const checker = createChecker()
    sentAndStored(checker, 2)
    handle(checker, 1, { at: 1 })
    handle(checker, 0, { at: 2 })
    expect(crimes(checker)).toEqual({ 'handling-order': ['s#0 after offset 1 of 0 k'] })
    const others = createChecker()
    for (const number of [0, 1]) others.stored(record(number), place(number), `key-${number}`)
    others.began('s', 2)
    others.handled({ ...record(1), ...place(1), key: 'key-1', who: 'a', begunAt: 1 }, 1)
    others.handled({ ...record(0), ...place(0), key: 'key-0', who: 'a', begunAt: 2 }, 2)
    expect(crimes(others)['handling-order']).toBeUndefined()
  })

  it('allows a repeat after its first handler died or stopped, and no other', () => {
    const repeated = (disturb: (checker: Checker) => void, again: { who: string; at: number; begunAt?: number }) => {
      const checker = createChecker()
      sentAndStored(checker, 1)
      handle(checker, 0, { who: 'a', at: 10, begunAt: 5 })
      disturb(checker)
      handle(checker, 0, again)
      return { repeated: crimes(checker)['repeated'] !== undefined, excused: checker.counts().excused }
    }
    const [fine, guilty] = [
      { repeated: false, excused: 1 },
      { repeated: true, excused: 0 },
    ]
    const later = { who: 'b', at: 30 }
    expect(repeated(() => undefined, later)).toEqual(guilty)
    expect(repeated((checker) => checker.disturbed('a', 20), later)).toEqual(fine)
    expect(repeated((checker) => checker.disturbed('b', 40), later)).toEqual(guilty)
    // The kill came after the repeat.
    expect(repeated((checker) => checker.disturbed('a', 40), later)).toEqual(guilty)
    // It was stopped and woken before it handled the record at all.
    const before = (checker: Checker) => {
      checker.disturbed('a', 1)
      checker.woken('a', 4)
    }
    expect(repeated(before, later)).toEqual(guilty)
  })

  it('allows an heir to repeat what was handled ahead of an unfinished record, and no more', () => {
    const handOver = (heir: readonly number[]) => {
      const checker = createChecker()
      for (const number of [0, 1, 2]) checker.stored(record(number), place(number), `key-${number}`)
      checker.began('s', 3)
      const effect = (number: number, who: string, at: number) =>
        checker.handled({ ...record(number), ...place(number), key: `key-${number}`, who, begunAt: at }, at)
      effect(0, 'a', 1)
      effect(2, 'a', 2)
      for (const [index, number] of heir.entries()) effect(number, 'b', 10 + index)
      return { repeated: crimes(checker)['repeated']?.length ?? 0, handedOver: checker.counts().handedOver }
    }
    expect(handOver([1, 2])).toEqual({ repeated: 0, handedOver: 1 })
    expect(handOver([2, 1])).toEqual({ repeated: 0, handedOver: 1 })
    expect(handOver([0, 1, 2])).toEqual({ repeated: 1, handedOver: 1 })
    const same = createChecker()
    sentAndStored(same, 2)
    handle(same, 1, { at: 1 })
    handle(same, 1, { at: 2 })
    expect(crimes(same)['repeated']).toHaveLength(1)
  })

  it('allows a woken member to end the handlers it had begun, not to begin stale ones', () => {
    for (const [begunAt, crime] of [
      [6, undefined],
      [22, ['s#0 at 0:0 by zombie at 25, before by heir']],
    ] as const) {
      const checker = createChecker()
      sentAndStored(checker, 1)
      checker.disturbed('zombie', 8)
      handle(checker, 0, { who: 'heir', at: 10 })
      checker.woken('zombie', 20)
      handle(checker, 0, { who: 'zombie', at: 25, begunAt })
      expect(crimes(checker)['repeated']).toEqual(crime)
    }
  })

  it('finds a position that has passed an unhandled record, also when it is handled later', () => {
    const checker = createChecker()
    sentAndStored(checker, 3)
    handle(checker, 0)
    checker.position(0, 2)
    handle(checker, 1)
    handle(checker, 2)
    checker.position(0, 3)
    expect(crimes(checker)).toEqual({ skipped: ['s#1 at 0:1, position 2'] })
  })

  it('finds a position that went back', () => {
    const checker = createChecker()
    sentAndStored(checker, 2)
    for (const number of [0, 1]) handle(checker, number)
    checker.position(0, 2)
    checker.position(0, 1)
    expect(crimes(checker)).toEqual({ 'position-back': ['partition 0: 1 after 2'] })
  })

  it('counts all findings and shows the first few', () => {
    const checker = createChecker()
    for (let number = 0; number < 5_000; number++) checker.sent(record(number), 'acknowledged')
    const [finding] = checker.findings({ handling: false })
    expect(finding).toMatchObject({ crime: 'unseen', count: 5_000 })
    expect(finding?.examples).toHaveLength(10)
    expect(Object.keys(CRIMES)).toContain(finding?.crime)
  })

  it('judges half a million records in less than 30 bytes each', () => {
    const before = process.memoryUsage()
    const checker = createChecker()
    const records = 500_000
    for (let number = 0; number < records; number++) checker.sent(record(number), 'acknowledged', place(number))
    for (let number = 0; number < records; number++) checker.stored(record(number), place(number), 'k')
    for (let number = 0; number < records; number++) handle(checker, number)
    checker.position(0, records)
    expect(checker.findings()).toEqual([])
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(30 * records)
    expect(checker.counts().handled).toBe(records)
  }, 120_000)
})
