import { expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { eventually } from '../kit/eventually.ts'
import { startProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { withLock } from './lock.ts'
import { freeSlot, portAt } from './ports.ts'
import { endGroup, isAlive, parseStat, signalGroup, startGroup } from './process-group.ts'

const STUBBORN = `trap '' TERM; sleep 1000 & echo up; while :; do wait; done`

test('a group ends whole: those that obey, those that do not, and those that are stopped', async () => {
  const log = join(tempDir(), 'log')
  const obedient = await startGroup({ file: 'sh', args: ['-c', 'sleep 1000 & sleep 1000'] }, log)
  expect(await endGroup(obedient, 5_000)).toBe('ended')
  const stopped = await startGroup({ file: 'sleep', args: ['1000'] }, log)
  signalGroup(stopped, 'SIGSTOP')
  expect(await endGroup(stopped, 5_000)).toBe('ended')
  const stubborn = await startGroup({ file: 'sh', args: ['-c', STUBBORN] }, log)
  await eventually(() => readFileSync(log, 'utf8').includes('up'), { what: 'the trap is set' })
  expect(await endGroup(stubborn, 200)).toBe('killed')
  for (const leader of [obedient, stopped, stubborn]) expect(isAlive(leader)).toBe(false)
})

test('a process that took over the id of an earlier one is not ours to signal', async () => {
  const leader = await startGroup({ file: 'sleep', args: ['1000'] }, join(tempDir(), 'log'))
  const earlier = { pid: leader.pid, startTime: leader.startTime - 1 }
  expect(isAlive(earlier)).toBe(false)
  expect(signalGroup(earlier, 'SIGKILL')).toBe(false)
  expect(await endGroup(earlier, 0)).toBe('gone')
  expect(isAlive(leader)).toBe(true)
  await endGroup(leader, 5_000)
})

test('a program that is not there is an error', async () => {
  await expect(startGroup({ file: 'no-such-program', args: [] }, join(tempDir(), 'log'))).rejects.toThrow('ENOENT')
})

test('a name with spaces and parentheses does not shift the fields of /proc/PID/stat', () => {
  const numbers = Array.from({ length: 15 }, (_, index) => index)
  expect(parseStat(`7 (a) b (c) S 1 42 42 ${numbers.join(' ')} 4711 1 2`)).toEqual({
    state: 'S',
    group: 42,
    startTime: 4711,
  })
})

test('a lock is held by one at a time, and freed when its work fails', async () => {
  const name = tempDir()
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise(setImmediate)
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLock(name, () => undefined, work)))
  expect(most).toBe(1)
  await expect(
    withLock(
      name,
      () => undefined,
      () => Promise.reject(new Error('failed')),
    ),
  ).rejects.toThrow('failed')
  expect(
    await withLock(
      name,
      () => undefined,
      () => Promise.resolve('free'),
    ),
  ).toBe('free')
})

test('a lock whose holder was killed is free', async () => {
  const name = tempDir()
  const program = join(name, 'holder.ts')
  const lock = join(import.meta.dirname, 'lock.ts')
  writeFileSync(
    program,
    `import { withLock } from ${JSON.stringify(lock)}
     await withLock(${JSON.stringify(name)}, () => undefined, () => new Promise(() => { console.log('"held"'); setInterval(() => undefined, 1000) }))`,
  )
  const holder = startProcess(program)
  await holder.message((value) => value === 'held', 'the lock is held')
  let waited = false
  const mine = withLock(
    name,
    () => (waited = true),
    () => Promise.resolve('mine'),
  )
  await eventually(() => waited, { what: 'we wait for the holder' })
  holder.kill('SIGKILL')
  expect(await mine).toBe('mine')
})

test('a slot is passed over when another claims it or a port of it is taken', async () => {
  const offset = 97
  const first = await freeSlot([offset], new Set())
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(portAt(first, offset), '127.0.0.1', resolve))
  const second = await freeSlot([offset], new Set())
  expect(second).toBeGreaterThan(first)
  expect(await freeSlot([offset], new Set([second]))).toBeGreaterThan(second)
  await new Promise((resolve) => server.close(resolve))
})
