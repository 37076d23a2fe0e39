import { randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { checkWebhookSecret, refuseWebhook, signWebhook } from '../../../src/connect/standard-webhooks.ts'

const vector = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: Buffer.from('{"test": 2432232314}'),
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const NOW = 1_614_265_330
const other = `whsec_${randomBytes(32).toString('base64')}`

test('the specification’s vector', () => {
  expect(signWebhook(vector, [vector.secret])).toBe(vector.signature)
  expect(refuseWebhook(vector, vector.signature, [vector.secret], NOW)).toBeUndefined()
})

test('npm standardwebhooks verifies what we sign, and we what it signs', () => {
  const id = 'shop~orders:1:0:42'
  const now = new Date()
  const timestamp = String(Math.floor(now.getTime() / 1_000))
  const text = '{"name":"é日本😀"}'
  const parts = { id, timestamp, body: Buffer.from(text) }
  const signature = signWebhook(parts, [other, vector.secret])
  const counterpart = new Webhook(vector.secret)
  expect(
    counterpart.verify(text, { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }),
  ).toEqual(JSON.parse(text))
  expect(refuseWebhook(parts, counterpart.sign(id, now, text), [vector.secret], Number(timestamp))).toBeUndefined()
})

test.each([
  ['another body', { ...vector, body: Buffer.from('{}') }, vector.signature, NOW, 'no signature matches'],
  ['another id', { ...vector, id: 'x' }, vector.signature, NOW, 'no signature matches'],
  ['too old', vector, vector.signature, NOW + 301, 'webhook-timestamp is more than 300 s off'],
  ['too new', vector, vector.signature, NOW - 301, 'webhook-timestamp is more than 300 s off'],
  ['no number', { ...vector, timestamp: '1e9' }, vector.signature, NOW, 'webhook-timestamp is not a number of seconds'],
  ['unknown version only', vector, vector.signature.replace('v1,', 'v2,'), NOW, 'no signature matches'],
  ['cut short', vector, vector.signature.slice(0, 12), NOW, 'no signature matches'],
  ['empty', vector, '', NOW, 'no signature matches'],
])('refused: %s', (_name, parts, signature, now, reason) => {
  expect(refuseWebhook(parts, signature, [vector.secret], now)).toBe(reason)
})

test('one match among several signatures and secrets is enough, unknown versions are skipped', () => {
  expect(
    refuseWebhook(vector, `v1a,xyz v9,abc v1,AAAA ${vector.signature}`, [other, vector.secret], NOW + 299),
  ).toBeUndefined()
})

test.each([
  [24, true],
  [64, true],
  [23, false],
  [65, false],
])('a secret of %d bytes: accepted %s', (bytes, accepted) => {
  const secret = `whsec_${randomBytes(bytes).toString('base64')}`
  expect(checkWebhookSecret(secret) === undefined).toBe(accepted)
  expect(checkWebhookSecret(secret) ?? '').not.toContain(secret.slice(6))
  expect(checkWebhookSecret(secret.slice(6))).toBeDefined()
})
