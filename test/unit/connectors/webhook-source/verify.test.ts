import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { createOnce } from '../../../../connectors/webhook-source/once.ts'
import { SCHEMES } from '../../../../connectors/webhook-source/verify.ts'
import { webhookReceived } from '../../../../connectors/webhook-source/webhook-received.ts'

const body = Buffer.from('Hello, World!')
const github = SCHEMES.github(['an old secret', "It's a Secret to Everybody"], () => 0)
const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

test('GitHub’s vector is verified, with rotated secrets', () => {
  expect(
    github({ 'x-hub-signature-256': signature, 'x-github-delivery': 'd-1', 'x-github-event': 'push' }, body),
  ).toEqual({ id: 'd-1', event: 'push' })
})

test.each([
  ['another body', { 'x-hub-signature-256': signature, 'x-github-delivery': 'd' }, 'Hello', 401],
  ['no signature', { 'x-github-delivery': 'd' }, 'Hello, World!', 401],
  ['SHA-1', { 'x-hub-signature-256': 'sha1=00', 'x-github-delivery': 'd' }, 'Hello, World!', 401],
  ['no delivery id', { 'x-hub-signature-256': signature }, 'Hello, World!', 400],
])('GitHub: %s', (_name, headers, text, status) => {
  expect(github(headers, Buffer.from(text))).toMatchObject({ status })
})

test('work is done once per id: under way it is shared, done it is not repeated, failed it may be tried again', async () => {
  const once = createOnce(2)
  let runs = 0
  const gate = Promise.withResolvers<void>()
  const work = async () => {
    runs++
    await gate.promise
  }
  const first = once('a', work)
  const second = once('a', work)
  expect([first.repeat, second.repeat]).toEqual([false, true])
  gate.resolve()
  await Promise.all([first.done, second.done])
  expect(once('a', work).repeat).toBe(true)
  expect(runs).toBe(1)

  await expect(once('b', () => Promise.reject(new Error('no'))).done).rejects.toThrow('no')
  expect(once('b', work).repeat).toBe(false)
  await once('c', work).done
  await once('d', work).done
  expect(once('a', work).repeat).toBe(false)
})

test('webhook-received.ts is webhook-received.avsc', () => {
  const file = new URL('../../../../connectors/webhook-source/webhook-received.avsc', import.meta.url)
  expect(webhookReceived).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})
