import { expect, test } from '@jest/globals'
import { errorLines, noteTold } from '../../../src/cli/report-error.ts'
import { exitCodeOf } from '../../../src/connect/exit-codes.ts'
import { DrawbridgeError, ERROR_CODES, type ErrorCode } from '../../../src/core/errors.ts'

test('exit-codes-follow-the-verdict', () => {
  const byVerdict = { refuse: 64, quarantine: 70, retry: 75, stop: 70, quiet: 75 }
  for (const [code, verdict] of Object.entries(ERROR_CODES)) {
    const special = { ERR_BROKER_UNREACHABLE: 69, ERR_DRAIN_DEADLINE: 75 }[code]
    expect([code, exitCodeOf(new DrawbridgeError(code as ErrorCode, 'x'))]).toEqual([
      code,
      special ?? byVerdict[verdict],
    ])
  }
})

test('what a log line has told is not told again', () => {
  const error = new DrawbridgeError('ERR_STORE_FAILED', 'the store failed: EEXIST', { cause: new Error('EEXIST') })
  const next = 'next: `drawbridge doctor` checks the store'
  expect(errorLines(error)).toEqual(['error ERR_STORE_FAILED: the store failed: EEXIST', next])
  noteTold('the store failed: EEXIST')
  expect(errorLines(error)).toEqual(['error ERR_STORE_FAILED: see above', next])
  noteTold('something else')
  expect(errorLines(error)).toEqual(['error ERR_STORE_FAILED: the store failed: EEXIST', next])
})
