import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { ROOT_PAPERS, registryHosts, undecidedDependencies } from './papers.ts'

test('root-papers-exist', () => {
  expect(ROOT_PAPERS.filter((name) => !existsSync(name))).toEqual([])
})

test('every-runtime-dependency-is-decided', async () => {
  const [packageJson, decisions] = await Promise.all([
    readFile('package.json', 'utf8'),
    readFile('DECISIONS.md', 'utf8'),
  ])
  expect(undecidedDependencies(packageJson, decisions)).toEqual([])
})

test('the lock file names no registry', async () => {
  expect(registryHosts(await readFile('package-lock.json', 'utf8'))).toEqual([])
})

test('the laws refuse an undecided dependency and a lock file bound to a registry', () => {
  const packageJson = JSON.stringify({ dependencies: { avsc: '1', lmdb: '1' } })
  expect(undecidedDependencies(packageJson, '- `avsc`: the codec.\nProse that mentions `lmdb`.')).toEqual(['lmdb'])
  expect(registryHosts('{\n  "resolved": "https://registry.invalid/a.tgz",\n  "version": "1"\n}')).toHaveLength(1)
})
