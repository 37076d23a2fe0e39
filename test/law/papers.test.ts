import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { completeLock, type LockFile, lockGaps } from '../kit/lock-file.ts'
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

test('CI runs the test command that the README gives', async () => {
  const [readme, ci] = await Promise.all([readFile('README.md', 'utf8'), readFile('.ci/run', 'utf8')])
  expect(readme).toMatch(/^npm test\b/m)
  expect(ci).toMatch(/^run npm test$/m)
})

test('the lock file names no registry', async () => {
  expect(registryHosts(await readFile('package-lock.json', 'utf8'))).toEqual([])
})

test('the lock file is whole, so that npm ci takes it', async () => {
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as LockFile
  expect(lockGaps(lock).map(({ name }) => `${name}: run node test/kit/complete-lock.ts`)).toEqual([])
})

test('a lock file with gaps is refused, and filled by platform', () => {
  const optionalDependencies = {
    '@a/linux-x64-musl': '1.0.0',
    '@a/darwin-arm64': '1.0.0',
    '@a/linux-arm-gnueabihf': '1.0.0',
  }
  const lock = {
    packages: {
      '': {},
      'node_modules/b': {},
      'node_modules/b/node_modules/a': { dev: true, optionalDependencies },
      'node_modules/@a/darwin-arm64': { version: '1.0.0' },
    },
  }
  expect(lockGaps(lock).map(({ name }) => name)).toEqual(['@a/linux-x64-musl', '@a/linux-arm-gnueabihf'])
  const whole = completeLock(lock)
  expect(lockGaps(whole)).toEqual([])
  expect(whole.packages['node_modules/@a/linux-x64-musl']).toEqual({
    version: '1.0.0',
    cpu: ['x64'],
    dev: true,
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  })
  expect(whole.packages['node_modules/@a/linux-arm-gnueabihf']).toMatchObject({ cpu: ['arm'], libc: ['glibc'] })
})

test('the laws refuse an undecided dependency and a lock file bound to a registry', () => {
  const packageJson = JSON.stringify({ dependencies: { avsc: '1', lmdb: '1' } })
  expect(undecidedDependencies(packageJson, '- `avsc`: the codec.\nProse that mentions `lmdb`.')).toEqual(['lmdb'])
  expect(registryHosts('{\n  "resolved": "https://registry.invalid/a.tgz",\n  "version": "1"\n}')).toHaveLength(1)
})
