import { expect, test } from '@jest/globals'
import { retryAfterMs } from '../../../../connectors/webhook-sink/retry-after.ts'
import { errorOfAnswer } from '../../../../connectors/webhook-sink/verdict.ts'
import { webhookId } from '../../../../connectors/webhook-sink/envelope.ts'

const NOW = Date.parse('2026-11-23T00:00:00Z')
const judge = (status: number, retryAfter?: string) =>
  errorOfAnswer({ status, retryAfter }, { webhookId: 'x' }, 60_000, NOW)

test.each([200, 201, 202, 204, 299])('%d is accepted', (status) => {
  expect(judge(status)).toBeUndefined()
})

test.each([
  [301, 'ERR_ENDPOINT', 'retry'],
  [307, 'ERR_ENDPOINT', 'retry'],
  [429, 'ERR_ENDPOINT', 'retry'],
  [500, 'ERR_ENDPOINT', 'retry'],
  [503, 'ERR_ENDPOINT', 'retry'],
  [400, 'ERR_REJECTED', 'quarantine'],
  [401, 'ERR_REJECTED', 'quarantine'],
  [422, 'ERR_REJECTED', 'quarantine'],
  [410, 'ERR_ENDPOINT_GONE', 'stop'],
])('%d is %s, verdict %s', (status, code, verdict) => {
  expect(judge(status)).toMatchObject({ code, verdict, details: { status } })
})

test.each([
  ['7', 7_000],
  ['0', 0],
  ['100000', 60_000],
  ['Mon, 23 Nov 2026 00:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 00:00:30 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %s asks for %s ms', (header, ms) => {
  expect(retryAfterMs(header, NOW, 60_000)).toBe(ms)
})

test('Retry-After is obeyed after 429 and 503 only', () => {
  expect(judge(429, '3')?.details.retryAfterMs).toBe(3_000)
  expect(judge(503, '3')?.details.retryAfterMs).toBe(3_000)
  expect(judge(500, '3')?.details.retryAfterMs).toBeUndefined()
})

test('the id of a delivery is the record’s place, without dots', () => {
  expect(webhookId('i-1', { topic: 'shop.orders', partition: 3, offset: 42 })).toBe('shop~orders:i-1:3:42')
})
