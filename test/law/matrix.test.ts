import { describe, expect, it } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { readTree } from '../kit/source-tree.ts'
import { missingTests, testsNamed } from './matrix.ts'

describe('matrix of promises', () => {
  it('every-test-that-the-matrix-names-exists', async () => {
    const named = testsNamed(await readFile('test/promises/README.md', 'utf8'))
    expect(named.length).toBeGreaterThan(50)
    expect(missingTests(named, await readTree('test'))).toEqual([])
  })

  it('every-promise-has-its-row-for-every-backend', async () => {
    const text = await readFile('test/promises/README.md', 'utf8')
    const rows = text.split('\n').filter((line) => /^\| \d+ \|/.test(line))
    const cells = rows.map((line) => line.split('|').map((cell) => cell.trim()))
    expect(cells.map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    // A cell is never empty: it names tests, or says that they are missing.
    for (const row of cells) expect(row.slice(3, -1).map((cell) => cell !== '')).toEqual([true, true, true])
  })

  it('finds a test that is not there', () => {
    const tree = new Map([['test/a/b.test.ts', "it('keeps it', () => {})"]])
    expect(missingTests(testsNamed('`a/b.test.ts` `a/b.test.ts: keeps it`'), tree)).toEqual([])
    expect(missingTests(testsNamed('`a/b.test.ts: loses it` and `a/c.test.ts`'), tree)).toEqual([
      "a/b.test.ts: no test is called 'loses it'",
      'a/c.test.ts: no such file',
    ])
  })
})
