import { expect, test } from '@jest/globals'
import { readTree } from '../kit/source-tree.ts'
import { leftOutBreaches, lengthBreaches, unfinishedBreaches } from './files.ts'

const FOLDERS = ['src', 'connectors', 'test', 'schemas']

test('no-file-is-too-long', async () => {
  expect(lengthBreaches(await readTree('src', 'connectors', 'test/kit', 'test/law'))).toEqual([])
})

test('no-test-is-left-out', async () => {
  const tree = await readTree('test')
  expect([...tree.keys()].filter((path) => path.endsWith('.test.ts')).length).toBeGreaterThan(3)
  expect(leftOutBreaches(tree)).toEqual([])
})

test('nothing-is-left-unfinished', async () => {
  expect(unfinishedBreaches(await readTree(...FOLDERS))).toEqual([])
})

test('the law refuses a file too long, but for a generated one', () => {
  const long = 'const a = 1\n'.repeat(301)
  expect(lengthBreaches(new Map([['src/a.ts', long]]))).toEqual([
    'src/a.ts: 301 lines, 300 is the most; split it by nouns',
  ])
  expect(lengthBreaches(new Map([['src/a.ts', 'const a = 1\n'.repeat(300)]]))).toEqual([])
  expect(lengthBreaches(new Map([['src/a.ts', `// Generated from a.avsc\n${long}`]]))).toEqual([])
})

test.each([
  'test.only(',
  'it.skip(',
  'describe.skip(',
  'test.todo(',
  'test.skip.each(',
  'test.concurrent.only(',
  'xit(',
  'fdescribe(',
])('the law refuses %s', (call) => {
  expect(leftOutBreaches(new Map([['test/a.test.ts', `import 'x'\n${call}'a', () => {})`]]))).toEqual([
    expect.stringContaining('test/a.test.ts:2: '),
  ])
})

test('the law reads code, not texts', () => {
  expect(
    leftOutBreaches(new Map([['test/a.test.ts', `// test.only(\nconst a = 'it.skip('; iterator.skip(1)`]])),
  ).toEqual([])
})

test('the law refuses notes to oneself', () => {
  const note = `// ${['TO', 'DO'].join('')}: later`
  expect(unfinishedBreaches(new Map([['src/a.ts', `const a = 1\n${note}`]]))).toEqual([`src/a.ts:2: ${note}`])
})
