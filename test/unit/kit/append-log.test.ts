import { describe, expect, it } from '@jest/globals'
import { type Attempt, judgeAppends, NO_FINDINGS, type Stored } from '../../kit/append-log.ts'

const attempt = (values: readonly string[], more: Partial<Attempt> = {}): Attempt => ({
  partition: 0,
  values,
  outcome: 'acknowledged',
  firstOffset: null,
  ...more,
})
const stored = (offset: number, value: string, partition = 0): Stored => ({ partition, offset, value })

describe('judge of appends', () => {
  it('finds nothing in a clean run', () => {
    const attempts = [
      attempt(['a', 'b'], { firstOffset: 0 }),
      attempt(['c', 'd'], { outcome: 'unknown' }),
      attempt(['e'], { outcome: 'unknown' }),
      attempt(['f'], { outcome: 'not-written' }),
    ]
    expect(judgeAppends(attempts, [stored(0, 'a'), stored(1, 'b'), stored(7, 'c')])).toEqual(NO_FINDINGS)
  })

  it('finds an acknowledged record that is not there', () => {
    expect(judgeAppends([attempt(['a', 'b'])], [stored(0, 'a')])).toEqual({ ...NO_FINDINGS, lost: ['b'] })
    expect(judgeAppends([attempt(['a'])], [stored(0, 'a', 1)])).toEqual({ ...NO_FINDINGS, lost: ['a'], strange: ['a'] })
  })

  it('finds a record that was told to be not written', () => {
    const attempts = [attempt(['a'], { outcome: 'not-written' })]
    expect(judgeAppends(attempts, [stored(0, 'a')])).toEqual({ ...NO_FINDINGS, unwanted: ['a'] })
  })

  it('finds a record stored twice', () => {
    const attempts = [attempt(['a'], { outcome: 'unknown' })]
    expect(judgeAppends(attempts, [stored(0, 'a'), stored(1, 'a')])).toEqual({ ...NO_FINDINGS, repeated: ['a'] })
  })

  it('finds a record that nobody appended', () => {
    expect(judgeAppends([], [stored(0, 'a')])).toEqual({ ...NO_FINDINGS, strange: ['a'] })
  })

  it('finds a receipt that names another place, and two records at one', () => {
    expect(judgeAppends([attempt(['a'], { firstOffset: 3 })], [stored(4, 'a')]).displaced).toEqual(['a'])
    expect(judgeAppends([attempt(['a']), attempt(['b'])], [stored(4, 'a'), stored(4, 'b')]).displaced).toEqual(['b'])
  })

  it('finds an append stored with a hole', () => {
    const attempts = [attempt(['a', 'b', 'c'], { outcome: 'unknown' })]
    expect(judgeAppends(attempts, [stored(0, 'a'), stored(1, 'c')])).toEqual({ ...NO_FINDINGS, torn: ['c'] })
  })

  it('finds a broken order', () => {
    const attempts = [attempt(['a']), attempt(['b'])]
    expect(judgeAppends(attempts, [stored(0, 'b'), stored(1, 'a')])).toEqual({ ...NO_FINDINGS, disordered: ['a'] })
  })

  it('refuses values it could not tell apart', () => {
    expect(() => judgeAppends([attempt(['a']), attempt(['a'])], [])).toThrow('"a" was appended twice')
  })
})
