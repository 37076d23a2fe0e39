import { describe, expect, test } from '@jest/globals'
import { parseCount, parseFrom, parseReset, parseTo } from '../../../src/cli/argument.ts'

describe('positions', () => {
  test.each([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    ['0', 0],
    ['42', 42],
    ['0:5', { offsets: { 0: 5 } }],
    ['0:5,11:0', { offsets: { 0: 5, 11: 0 } }],
    ['2026-11-01T00:00:00Z', { timestamp: '2026-11-01T00:00:00Z' }],
    ['2026-11-01T00:00:00.123+02:00', { timestamp: '2026-11-01T00:00:00.123+02:00' }],
    ['2026-11-01', { timestamp: '2026-11-01' }],
  ])('%s', (text, position) => {
    expect(parseFrom('--from', text)).toEqual(position)
  })

  test.each([
    '',
    'soon',
    '-1',
    '1.5',
    '0:5,',
    '0:',
    ':5',
    '0:1,0:2',
    '9007199254740992',
    '2026-13-01',
    '2026-11-01T00:00:00',
    'end',
  ])('%j is refused with the forms that are taken', (text) => {
    expect(() => parseFrom('--from', text)).toThrow(/--from/)
  })

  test('end is a place to end and to reset to, earliest only to begin and reset to', () => {
    expect(parseTo('--to', 'end')).toBe('end')
    expect(parseReset('--to', 'end')).toBe('end')
    expect(parseReset('--to', 'earliest')).toBe('earliest')
    expect(() => parseTo('--to', 'earliest')).toThrow('use end, an offset')
  })
})

test('a count is a whole number', () => {
  expect(parseCount('--limit', '1')).toBe(1)
  for (const text of ['0', '-1', '1e3', '', ' 1', '9007199254740992'])
    expect(() => parseCount('--limit', text)).toThrow('--limit')
})
