import { expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { scenarioNames } from '../conformance/skips.ts'
import { readTree } from '../kit/source-tree.ts'
import { mapBreaches, mapRows } from './scenarios.ts'

const MAP = 'test/conformance/README.md'
const SIXTEEN = "Watermill's sixteen"
const REST = 'The rest of the promises'

test('every scenario that the map of the conformance suite names is there', async () => {
  const [paper, tree] = await Promise.all([readFile(MAP, 'utf8'), readTree('test/conformance')])
  const [sixteen, rest] = [mapRows(paper, SIXTEEN), mapRows(paper, REST)]
  expect(sixteen).toHaveLength(16)
  expect(rest.length).toBeGreaterThan(30)
  expect(mapBreaches([...sixteen, ...rest], scenarioNames(tree))).toEqual([])
})

test('the law refuses a name that no scenario has, and a row without any', () => {
  const paper =
    'x\n## One\n\n| a | b |\n|---|---|\n| first | `t: a`, `t: b` |\n| second | later |\n\n## Two\n| c | d |\n'
  const rows = mapRows(paper, 'One')
  expect(rows).toEqual([
    { theme: 'first', scenarios: ['t: a', 't: b'] },
    { theme: 'second', scenarios: [] },
  ])
  expect(mapBreaches(rows, new Set(['t: a']))).toEqual([
    'first: no scenario is named t: b',
    'second: names no scenario',
  ])
})
