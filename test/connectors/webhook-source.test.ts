import { createHmac, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { request as httpRequest } from 'node:http'
import { expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { createFolder, run } from './kit/run.ts'
import { readTopic } from './kit/topic.ts'

const require = createRequire(import.meta.url)
const examples = require('@octokit/webhooks-examples') as { default?: unknown }

const GITHUB_SECRET = "It's a Secret to Everybody"
const SECRET = `whsec_${Buffer.from('the secret that nobody may see!!').toString('base64')}`

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

async function post(url: string, body: Buffer | string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

function signGithub(body: Buffer | string, id: string, event = 'push'): Record<string, string> {
  const hex = createHmac('sha256', GITHUB_SECRET).update(body).digest('hex')
  return { 'x-hub-signature-256': `sha256=${hex}`, 'x-github-delivery': id, 'x-github-event': event }
}

function sign(body: string, id: string, at = new Date()): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRET).sign(id, at, body),
  }
}

const github = (config = '') => `name: hooks
type: webhook-source
topic: t
config:
  port: 0
  path: /github
  value: envelope
  verify: { scheme: github, secrets: ["${GITHUB_SECRET}"] }
  ${config}
`

const orders = (config = '') => `name: hooks
type: webhook-source
topic: { name: t, schema: order.avsc }
config: { port: 0, verify: { scheme: standard-webhooks, secrets: ["${SECRET}"] }, ${config} }
`
const ORDER = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total', type: 'double' },
  ],
})

async function listening(yaml: string, files: Readonly<Record<string, string>> = { 'order.avsc': ORDER }) {
  const folder = createFolder(files)
  const running = await run(folder, yaml)
  const { facts } = await running.until('hooks', (status) => status.facts.url !== undefined)
  return { folder, running, url: String(facts.url) }
}

/** Every example payload of GitHub, with the event's name. */
function payloads(): { readonly event: string; readonly body: Buffer }[] {
  const list = (examples.default ?? examples) as readonly {
    readonly name: string
    readonly examples: readonly unknown[]
  }[]
  return list.flatMap(({ name, examples: bodies }) =>
    bodies.map((body) => ({ event: name, body: Buffer.from(JSON.stringify(body)) })),
  )
}

test('every payload of @octokit/webhooks-examples, signed as GitHub signs, lands exactly once, byte for byte', async () => {
  const { folder, running, url } = await listening(github())
  const all = payloads().map((one) => ({ ...one, id: randomUUID() }))
  expect(all.length).toBeGreaterThan(100)
  // Twice each, the second while the first may be under way.
  const answers = await Promise.all(
    all.flatMap(({ event, body, id }) => [0, 1].map(() => post(url, body, signGithub(body, id, event)))),
  )
  expect(answers.filter(({ status }) => status !== 202)).toEqual([])
  await running.stop()
  const records = await readTopic(folder.brokerUrl, 't')
  const shown = (id: string, event: string, base64: string) => `${id} ${event} ${base64}`
  const seen = records.map(({ key, value }) => {
    const { id, event, body, contentType, source } = value as {
      id: string
      event: string
      body: { base64: string }
      contentType: string
      source: string
    }
    expect([key, contentType, source]).toEqual([id, 'application/json', 'hooks'])
    return shown(id, event, body.base64)
  })
  expect(seen.sort()).toEqual(all.map(({ id, event, body }) => shown(id, event, body.toString('base64'))).sort())
  expect(running.status('hooks').counters).toMatchObject({
    records_total: all.length,
    repeated_deliveries_total: all.length,
  })
})

test('Standard Webhooks: the body becomes a value of the schema, keyed by the delivery', async () => {
  const { folder, running, url } = await listening(orders())
  const body = '{"id":"o-é","total":12.5}'
  expect((await post(url, body, sign(body, 'msg_1'))).status).toBe(202)
  await running.stop()
  expect(await readTopic(folder.brokerUrl, 't')).toMatchObject([{ key: 'msg_1', value: { id: 'o-é', total: 12.5 } }])
})

test('what is wrong is answered by its kind, writes nothing, and names no secret', async () => {
  const { folder, running, url } = await listening(orders('maxBodyBytes: 100'))
  const good = '{"id":"a","total":1}'
  const cases: readonly [string, string, Record<string, string>, number][] = [
    ['another body', '{}', sign(good, 'a'), 401],
    ['no signature', good, {}, 401],
    ['too old', good, sign(good, 'b', new Date(Date.now() - 400_000)), 401],
    ['not JSON', '{', sign('{', 'c'), 400],
    ['not of the schema', '{"id":7,"total":1}', sign('{"id":7,"total":1}', 'd'), 422],
    ['too large', `{"id":"${'x'.repeat(200)}"}`, sign('', 'e'), 413],
    ['compressed', good, { ...sign(good, 'f'), 'content-encoding': 'gzip' }, 415],
  ]
  for (const [name, body, headers, status] of cases) {
    const answer = await post(url, body, headers)
    expect([name, answer.status]).toEqual([name, status])
    expect(answer.text).not.toContain(SECRET.slice(6))
    if (status === 422) expect(answer.text).toContain('id: expected')
  }
  expect((await fetch(new URL('/elsewhere', url), { method: 'POST' })).status).toBe(404)
  expect((await fetch(url)).status).toBe(404)
  await running.stop()
  expect(await readTopic(folder.brokerUrl, 't')).toEqual([])
  const shown = [...running.lines, JSON.stringify(running.events)].join('\n')
  expect(shown).not.toContain(SECRET)
})

test('a delivery refused for its body may be sent again under the same id', async () => {
  const { folder, running, url } = await listening(orders())
  expect((await post(url, '{', sign('{', 'm'))).status).toBe(400)
  const good = '{"id":"a","total":1}'
  expect((await post(url, good, sign(good, 'm'))).status).toBe(202)
  await running.stop()
  expect((await readTopic(folder.brokerUrl, 't')).length).toBe(1)
})

test('drain: no new connection is taken, the request in hand is answered, then it stops', async () => {
  const { folder, running, url } = await listening(orders())
  const body = '{"id":"a","total":1}'
  const half = httpRequest(url, {
    method: 'POST',
    headers: { ...sign(body, 'm'), 'content-type': 'application/json', 'content-length': body.length },
  })
  const answered = new Promise<number>((resolve, reject) => {
    half.on('response', (response) => resolve(response.resume().statusCode ?? 0))
    half.on('error', reject)
  })
  half.write(body.slice(0, 5))
  // A whole delivery over another connection shows that the first one is in hand by now.
  expect((await post(url, body, sign(body, 'other'))).status).toBe(202)
  const stopped = running.stop()
  await running.until('hooks', ({ state }) => state === 'DRAINING')
  half.end(body.slice(5))
  expect(await answered).toBe(202)
  const { exitCode, statuses } = await stopped
  expect([exitCode, statuses[0]?.state]).toEqual([0, 'STOPPED'])
  await expect(fetch(url)).rejects.toThrow('fetch failed')
  expect((await readTopic(folder.brokerUrl, 't')).length).toBe(2)
})
