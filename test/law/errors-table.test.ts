import { describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { ERROR_CODES } from '../../src/core/errors.ts'
import { readTree } from '../kit/source-tree.ts'
import { errorBreaches } from './errors-table.ts'

test('errors-page-equals-the-codes', async () => {
  expect(errorBreaches(await readFile('ERRORS.md', 'utf8'), ERROR_CODES)).toEqual([])
})

test('every code named in the source exists', async () => {
  const tree = await readTree('src', 'connectors')
  const unknown = [...tree].flatMap(([path, text]) =>
    [...text.matchAll(/\bERR_[A-Z_]+\b/g)].flatMap(([code]) =>
      code in ERROR_CODES || code === 'ERR_' || isNodes(code) ? [] : [`${path}: ${code}`],
    ),
  )
  expect(unknown).toEqual([])
})

describe('the law refuses', () => {
  const codes = { ERR_A: 'refuse', ERR_B: 'retry' }
  const rowA = '| `ERR_A` | refuse | when a | do a |'
  const rowB = '| `ERR_B` | retry | when b | do b |'

  test('nothing in an equal table', () => {
    expect(
      errorBreaches(`# Errors\n| code | verdict | when | what to do |\n|---|---|---|---|\n${rowA}\n${rowB}\n`, codes),
    ).toEqual([])
  })

  test.each([
    ['a missing row', [rowA], ['missing: ERR_B']],
    ['an extra row', [rowA, rowB, '| `ERR_C` | stop | when c | do c |'], ['extra: ERR_C']],
    ['a wrong verdict', [rowA, rowB.replace('retry', 'stop')], ['ERR_B: the page says stop, the code retry']],
    ['a row twice', [rowA, rowB, rowB], ['twice: ERR_B']],
    ['an empty cell', [rowA, rowB.replace('do b', '')], ['ERR_B: says not when, or not what to do']],
    ['another order', [rowB, rowA], ['the order differs from ERROR_CODES']],
  ])('%s', (_what, rows, breaches) => {
    expect(errorBreaches(rows.join('\n'), codes)).toEqual(breaches)
  })
})

/** Codes of Node itself that our sources compare with. */
function isNodes(code: string): boolean {
  return /^ERR_(?:STREAM|SOCKET|HTTP|INVALID|MODULE|PARSE|UNKNOWN|WORKER|IPC|TLS|SSL)_/.test(code)
}
