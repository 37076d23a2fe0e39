import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { textSchema } from './kit/airports.ts'
import { createFolder, run, until } from './kit/run.ts'
import { fillTopic, readTopic } from './kit/topic.ts'

const SECRET = `whsec_${Buffer.from('the secret that nobody may see!!').toString('base64')}`
const OLD_SECRET = `whsec_${Buffer.from('an old secret, still in rotation').toString('base64')}`

interface Post {
  readonly id: string
  readonly rowId: string
  readonly atMs: number
}

const servers = new Set<Server>()
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers.clear()
})

/** A receiver that verifies every post with npm standardwebhooks and then does what the test says. */
async function receive(answer: (post: Post, response: ServerResponse, posts: readonly Post[]) => void) {
  const posts: Post[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = request.headers as Record<string, string>
    for (const secret of [SECRET, OLD_SECRET]) new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      type: string
      timestamp: string
      data: { id: string }
    }
    expect([body.type, new Date(body.timestamp).toISOString()]).toEqual(['t', body.timestamp])
    const post = { id: headers['webhook-id'] ?? '', rowId: body.data.id, atMs: Date.now() }
    posts.push(post)
    answer(post, response, posts)
  }
  const failures: unknown[] = []
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      failures.push(error)
      response.writeHead(500).end()
    })
  })
  servers.add(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, posts, failures }
}

const ok = (response: ServerResponse) => response.writeHead(204).end()

const sink = (url: string, config = '') => `name: hook
type: webhook-sink
topic: t
config:
  url: ${url}
  secrets: ["${SECRET}", "${OLD_SECRET}"]
  headers: { authorization: Bearer very-secret-token }
  allowPrivate: true
  ${config}
`

async function filled(ids: readonly string[]) {
  const folder = createFolder()
  await fillTopic(
    folder.brokerUrl,
    't',
    textSchema(['id']),
    { partitions: 2, key: 'id' },
    ids.map((id) => ({ id })),
  )
  return folder
}

const letters = (brokerUrl: string) => readTopic(brokerUrl, 't.hook.dead')
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`)

test('commits-after-2xx-over-sigkill: killed half-way, every record arrives, repeats carry the same id', async () => {
  const folder = await filled(numbers(400))
  const { url, posts, failures } = await receive((_post, response) => ok(response))
  const running = await run(folder, sink(url), { restart: { minDelayMs: 10 } })
  await until('half is delivered', () => posts.length >= 200)
  const { pid } = running.status('hook')
  if (pid !== null) process.kill(pid, 'SIGKILL')
  await until('all are delivered', () => new Set(posts.map(({ rowId }) => rowId)).size === 400)
  await running.stop()
  expect(failures).toEqual([])
  expect(new Set(posts.map(({ id, rowId }) => `${id} ${rowId}`)).size).toBe(400)
  expect(posts[0]?.id).toMatch(/^t:[0-9a-f-]+:[01]:\d+$/)
  expect(running.status('hook').restarts).toBe(1)
})

test('a failing receiver is tried again; a redirect is not followed; what is refused is a letter at once', async () => {
  const folder = await filled(['fails-twice', 'redirects-once', 'refused', 'fine'])
  const { url, posts, failures } = await receive((post, response, all) => {
    const tries = all.filter(({ rowId }) => rowId === post.rowId).length
    if (post.rowId === 'fails-twice' && tries <= 2) response.writeHead(500).end('no')
    else if (post.rowId === 'redirects-once' && tries === 1) response.writeHead(302, { location: '/elsewhere' }).end()
    else if (post.rowId === 'refused') response.writeHead(422).end()
    else ok(response)
  })
  const running = await run(folder, sink(url, 'retry: { minDelayMs: 10 }'))
  await running.until(
    'hook',
    ({ counters }) => counters.deliveries_total === 3 && counters.delivery_failures_total === 4,
  )
  await until('the letter is there', async () => (await letters(folder.brokerUrl).catch(() => [])).length === 1)
  await running.stop()
  expect(failures).toEqual([])
  const tries = (rowId: string) => posts.filter((post) => post.rowId === rowId)
  expect(['fails-twice', 'redirects-once', 'refused', 'fine'].map((rowId) => tries(rowId).length)).toEqual([3, 2, 1, 1])
  expect(new Set(tries('fails-twice').map(({ id }) => id)).size).toBe(1)
  expect((await letters(folder.brokerUrl))[0]).toMatchObject({
    key: 'refused',
    headers: { 'drawbridge.letter.code': 'ERR_REJECTED' },
  })
})

test('Retry-After is the least that is waited after 429', async () => {
  const folder = await filled(['a'])
  const { url, posts } = await receive((_post, response, all) =>
    all.length === 1 ? response.writeHead(429, { 'retry-after': '1' }).end() : ok(response),
  )
  const running = await run(folder, sink(url, 'retry: { minDelayMs: 1 }'))
  await running.until('hook', ({ counters }) => counters.deliveries_total === 1)
  await running.stop()
  expect((posts[1]?.atMs ?? 0) - (posts[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000)
})

test('an attempt never lasts longer than timeoutMs: no answer is a failure, an accepted answer that drips is accepted', async () => {
  const folder = await filled(['hangs', 'drips', 'fine'])
  const timers = new Set<NodeJS.Timeout>()
  const { url, posts } = await receive((post, response, all) => {
    const tries = all.filter(({ rowId }) => rowId === post.rowId).length
    if (post.rowId === 'hangs' && tries === 1) return
    if (post.rowId === 'drips') {
      response.writeHead(200)
      timers.add(setInterval(() => response.write('x'), 20))
    } else ok(response)
  })
  const running = await run(folder, sink(url, 'timeoutMs: 300\n  retry: { minDelayMs: 1 }'))
  await running.until('hook', ({ counters }) => counters.deliveries_total === 3)
  await running.stop()
  for (const timer of timers) clearInterval(timer)
  expect(posts.filter(({ rowId }) => rowId === 'hangs').length).toBe(2)
  expect(posts.filter(({ rowId }) => rowId === 'drips').length).toBe(1)
})

test('410 ends the connector for good, without a restart and without a letter', async () => {
  const folder = await filled(['a'])
  const { url, posts } = await receive((_post, response) => response.writeHead(410).end())
  const { exitCode, statuses } = await (await run(folder, sink(url))).done
  expect(exitCode).toBe(70)
  expect(statuses[0]).toMatchObject({ state: 'FAILED', restarts: 0, lastError: { code: 'ERR_ENDPOINT_GONE' } })
  expect(posts.length).toBe(1)
  await expect(letters(folder.brokerUrl)).rejects.toThrow('ERR_TOPIC_UNKNOWN')
})

test('a name that resolves to private addresses ends the connector, without a restart and without a letter', async () => {
  const folder = await filled(['a', 'b'])
  const { url, posts } = await receive((_post, response) => ok(response))
  const named = url.replace('127.0.0.1', 'localhost')
  const { exitCode, statuses } = await (
    await run(folder, sink(named).replace('allowPrivate: true', 'allowPrivate: false'))
  ).done
  expect(exitCode).toBe(70)
  expect(statuses[0]).toMatchObject({
    state: 'FAILED',
    restarts: 0,
    lastError: { code: 'ERR_ENDPOINT_GONE', message: expect.stringMatching(/^localhost is not .*allowPrivate: true/) },
  })
  expect(posts).toEqual([])
  await expect(letters(folder.brokerUrl)).rejects.toThrow('ERR_TOPIC_UNKNOWN')
})

test('no secret is in any log line, event or letter', async () => {
  const folder = await filled(['a', 'b'])
  const { url } = await receive((post, response) =>
    post.rowId === 'a' ? ok(response) : response.writeHead(400).end(SECRET),
  )
  const running = await run(folder, sink(`${url}?token=in-the-query`))
  await running.until('hook', ({ counters }) => counters.delivery_attempts_total === 2)
  await until('the letter is there', async () => (await letters(folder.brokerUrl).catch(() => [])).length === 1)
  await running.stop()
  const shown = [
    ...running.lines,
    JSON.stringify(running.events),
    JSON.stringify(await letters(folder.brokerUrl)),
  ].join('\n')
  expect(running.lines.length).toBeGreaterThan(0)
  for (const secret of [SECRET, OLD_SECRET, 'very-secret-token', 'in-the-query']) expect(shown).not.toContain(secret)
})
