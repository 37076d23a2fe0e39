import { expect, test } from '@jest/globals'
import { createRestartPolicy } from '../../../src/connect/restart.ts'

const noJitter = () => 1

test('a crash is restarted with doubling delay, up to the budget within the window', () => {
  const decide = createRestartPolicy({ minDelayMs: 100, maxDelayMs: 350, maxCrashes: 5, windowMs: 1_000 }, noJitter)
  const crash = (nowMs: number) => decide({ exitCode: 1, ranMs: 5, nowMs })
  expect([0, 1, 2, 3].map(crash)).toEqual([100, 200, 350, 350].map((delayMs) => ({ kind: 'restart', delayMs })))
  expect(crash(4)).toEqual({ kind: 'failed', reason: '5 crashes within 1 s' })
})

test('crashes outside the window do not count, and a sound run begins the delays anew', () => {
  const decide = createRestartPolicy({ minDelayMs: 100, maxCrashes: 2, windowMs: 1_000, soundAfterMs: 500 }, noJitter)
  expect(decide({ exitCode: null, ranMs: 5, nowMs: 0 })).toEqual({ kind: 'restart', delayMs: 100 })
  expect(decide({ exitCode: null, ranMs: 5, nowMs: 2_000 })).toEqual({ kind: 'restart', delayMs: 200 })
  expect(decide({ exitCode: null, ranMs: 900, nowMs: 4_000 })).toEqual({ kind: 'restart', delayMs: 100 })
})

test('a broker out of reach is waited for without end', () => {
  const decide = createRestartPolicy({ maxCrashes: 2 }, noJitter)
  for (let nowMs = 0; nowMs < 50; nowMs++) expect(decide({ exitCode: 69, ranMs: 5, nowMs }).kind).toBe('restart')
})

test.each([64, 70])('exit code %d is not restarted', (exitCode) => {
  expect(createRestartPolicy()({ exitCode, ranMs: 5, nowMs: 0 }).kind).toBe('failed')
})

test('exit code 0 is done', () => {
  expect(createRestartPolicy()({ exitCode: 0, ranMs: 5, nowMs: 0 })).toEqual({ kind: 'done' })
})
