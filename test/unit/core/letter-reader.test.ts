import { expect, test } from '@jest/globals'
import { LETTER_HEADERS } from '../../../src/core/dead-letter.ts'
import { parseLetter } from '../../../src/core/letter-reader.ts'
import type { Headers } from '../../../src/core/record.ts'

function letterHeaders(texts: Partial<Record<keyof typeof LETTER_HEADERS, string>> = {}): Headers {
  const all = {
    id: 't/inc/1/5/g',
    topic: 't',
    group: 'g',
    partition: '1',
    offset: '5',
    incarnation: 'inc',
    appendedAt: '2026-11-01T00:00:00.000Z',
    failedAt: '2026-11-01T00:00:01.000Z',
    attempts: '3',
    code: 'ERR_HANDLER_FAILED',
    cause: 'no\ncaused by: never',
    ...texts,
  }
  return Object.entries(all).map(([name, text]) => [LETTER_HEADERS[name as keyof typeof all], Buffer.from(text)])
}

const stored = (headers: Headers) => ({
  offset: 9,
  appendedAt: 1,
  timestamp: 2,
  key: Buffer.from('k'),
  value: null,
  headers,
})

test('a letter about a letter is told by its last headers, and keeps those of the first as its own', () => {
  const own: Headers = [['trace', null], ...letterHeaders({ topic: 'first', offset: '77' })]
  expect(parseLetter(stored([...own, ...letterHeaders()]))).toEqual({
    id: 't/inc/1/5/g',
    group: 'g',
    source: { topic: 't', incarnation: 'inc', partition: 1, offset: 5, appendedAt: '2026-11-01T00:00:00.000Z' },
    code: 'ERR_HANDLER_FAILED',
    attempts: 3,
    failedAt: '2026-11-01T00:00:01.000Z',
    cause: 'no\ncaused by: never',
    key: Buffer.from('k'),
    value: null,
    headers: own,
    timestamp: 2,
  })
})

test('what lacks a mark of a letter is none, whatever it holds', () => {
  expect(parseLetter(stored([]))).toBeNull()
  expect(parseLetter(stored([[LETTER_HEADERS.id, null]]))).toBeNull()
  for (const spoilt of ['partition', 'offset', 'attempts'] as const)
    for (const text of ['', '-1', '1e3', 'NaN', '99999999999999999999'])
      expect(parseLetter(stored(letterHeaders({ [spoilt]: text })))).toBeNull()
})
