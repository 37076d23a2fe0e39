import { describe, expect, it } from '@jest/globals'
import { createControlFold } from '../../../src/core/control-log.ts'
import type { StoredRecord } from '../../../src/core/record.ts'

function replay(until: string, entries: readonly (readonly [key: string, value: unknown])[]) {
  const fold = createControlFold<{ n: number }>(until)
  entries.forEach(([key, value], offset) => {
    const bytes = value === null ? null : Buffer.from(JSON.stringify(value))
    const record: StoredRecord = {
      key: Buffer.from(key),
      value: bytes,
      headers: [],
      timestamp: 0,
      offset,
      appendedAt: 0,
    }
    fold.add(record)
  })
  return fold.standing()
}

describe('control-log', () => {
  it('the-last-snapshot-under-the-standing-claim-counts', () => {
    const standing = replay('c', [
      ['claim:a', {}],
      ['state:a', { n: 1 }],
      ['state:a', { n: 2 }],
      ['claim:c', {}],
    ])
    expect(standing).toEqual({ snapshot: { n: 2 }, claims: ['a'] })
  })

  it('a-paused-former-owner-cannot-change-the-state', () => {
    const standing = replay('c', [
      ['claim:a', {}],
      ['state:a', { n: 1 }],
      ['claim:b', {}],
      ['state:b', { n: 5 }],
      ['state:a', { n: 2 }],
      ['claim:c', {}],
      ['state:b', { n: 9 }],
    ])
    expect(standing).toEqual({ snapshot: { n: 5 }, claims: ['a', 'b'] })
  })

  it('claims that were tidied away are not named again', () => {
    const standing = replay('c', [
      ['claim:a', {}],
      ['claim:b', {}],
      ['state:b', { n: 1 }],
      ['claim:a', null],
      ['claim:c', {}],
    ])
    expect(standing).toEqual({ snapshot: { n: 1 }, claims: ['b'] })
  })

  it('begins with nothing', () => {
    expect(replay('a', [['claim:a', {}]])).toEqual({ snapshot: null, claims: [] })
  })
})
