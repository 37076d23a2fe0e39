import { expect, test } from '@jest/globals'
import { logSentence } from '../../../src/cli/log-line.ts'

const line = (fields: object) => logSentence(JSON.stringify({ level: 40, connector: 'hook', msg: 'failed', ...fields }))

test('what went wrong is told with its place and its cause', () => {
  const place = { topic: 't', partition: 0, offset: 5 }
  expect(line({ ...place, error: 'the endpoint answered 500' })).toBe(
    'hook: failed (topic t, partition 0, offset 5): the endpoint answered 500',
  )
  expect(line({ ...place, attempt: 2, delayMs: 10 })).toBe('hook: failed (topic t, partition 0, offset 5, attempt 2)')
  expect(line({ file: 'in.csv', line: 3, code: 'ERR_VALUE_INVALID', stack: 'at x' })).toBe(
    'hook: failed (code ERR_VALUE_INVALID, file in.csv, line 3)',
  )
  expect(line({ level: 50 })).toBe('hook: failed')
})

test('what is no warning is not told', () => {
  expect(line({ level: 30, error: 'x' })).toBeUndefined()
})

test('a URL is shown without user, password and query', () => {
  expect(line({ url: 'https://me:secret@example.org/hook?token=abc#x' })).toBe(
    'hook: failed (url https://example.org/hook)',
  )
  expect(line({ url: '/hook?token=abc' })).toBe('hook: failed (url /hook)')
})

test('it is one line without control characters, whatever the fields hold', () => {
  expect(line({ topic: 'a\u001b[2J', error: 'first\nsecond' })).toBe(
    'hook: failed (topic a\\u001b[2J): first\\u000asecond',
  )
})

test.each(['no JSON', 'null', '7'])('a line that is no log line is told as it is: %s', (text) => {
  expect(logSentence(text)).toBe(`connect: ${text}`)
})
