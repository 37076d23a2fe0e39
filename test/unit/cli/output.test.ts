import { expect, test } from '@jest/globals'
import { table } from '../../../src/cli/output.ts'

test('columns are aligned, numbers to the right, nothing reaches the terminal as a control character', () => {
  const rows = [
    { name: 'a', lag: 5, member: undefined },
    { name: 'long\u001b[2J', lag: 1200, member: 'm-1' },
  ]
  expect(table(['name', 'lag', 'member'], rows)).toEqual([
    'name            lag  member',
    'a                 5  -',
    'long\\u001b[2J  1200  m-1',
  ])
  expect(table(['topic'], [])).toEqual(['topic'])
})
