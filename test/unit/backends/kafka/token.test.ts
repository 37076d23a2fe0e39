import { afterAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { readSettings } from '../../../../src/backends/kafka/settings.ts'
import { tempDir } from '../../../kit/temp-dir.ts'

const SECRET = 'c1ient-s3cret'
const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})

async function source(token: object): Promise<() => Promise<string>> {
  const path = join(tempDir(), 'kafka.json')
  writeFileSync(path, JSON.stringify({ token }))
  const { login } = await readSettings(`kafka+ssl://one?config=${path}`)
  return () => login?.secret() ?? Promise.reject(new Error('no login'))
}

async function endpoint(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => answer(request, body, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

test('client-credentials-are-exchanged-for-a-token-that-serves-most-of-its-life', async () => {
  const seen: unknown[] = []
  const url = await endpoint(({ method, headers }, body, response) => {
    seen.push({ method, authorization: headers.authorization, body })
    response.end(
      JSON.stringify({ access_token: `token-${seen.length}`, expires_in: seen.length === 1 ? 0.001 : 3_600 }),
    )
  })
  const ask = await source({ url, clientId: 'me: too', clientSecret: SECRET, scope: 'kafka read' })
  await expect(ask()).resolves.toBe('token-1')
  // The first is over at once.
  await expect(ask()).resolves.toBe('token-2')
  await expect(ask()).resolves.toBe('token-2')
  const authorization = `Basic ${Buffer.from(`me%3A%20too:${SECRET}`).toString('base64')}`
  expect(seen[0]).toEqual({ method: 'POST', authorization, body: 'grant_type=client_credentials&scope=kafka+read' })
  expect(seen).toHaveLength(2)
})

test.each([
  [
    'refuses the client',
    (response: ServerResponse) => response.writeHead(401).end(`no ${SECRET}`),
    'ERR_CONFIG',
    'status 401',
  ],
  ['is broken', (response: ServerResponse) => response.writeHead(503).end(), 'ERR_BROKER_UNREACHABLE', '503'],
  ['says something else', (response: ServerResponse) => response.end('<html>'), 'ERR_CONFIG', 'no token'],
  [
    'never ends',
    (response: ServerResponse) => response.end(Buffer.alloc(100_000)),
    'ERR_BROKER_UNREACHABLE',
    'more than',
  ],
  [
    'leads elsewhere',
    (response: ServerResponse) => response.writeHead(302, { location: '/x' }).end(),
    'ERR_BROKER_UNREACHABLE',
    'did not answer',
  ],
  ['hangs up', (response: ServerResponse) => response.destroy(), 'ERR_BROKER_UNREACHABLE', 'did not answer'],
])('an-endpoint-that-%s-is-an-error-without-secrets', async (_, answer, code, said) => {
  const url = await endpoint((_request, _body, response) => void answer(response))
  const ask = await source({ url, clientId: 'me', clientSecret: SECRET })
  const error: unknown = await ask().catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code, message: expect.stringContaining(said) })
  expect(String(error)).not.toContain(SECRET)
})

test('a-program-gives-a-token-and-its-failure-says-how-it-ended-and-no-more', async () => {
  const program = join(tempDir(), 'token.sh')
  writeFileSync(program, `#!/bin/sh\nif [ "$1" = good ]; then echo a-token; else echo ${SECRET} >&2; exit 3; fi\n`)
  chmodSync(program, 0o700)
  await expect((await source({ command: [program, 'good'] }))()).resolves.toBe('a-token')
  const failure: unknown = await (await source({ command: [program, 'bad'] }))().catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ERR_BROKER_UNREACHABLE', message: expect.stringContaining('ended with 3') })
  expect(String(failure)).not.toContain(SECRET)
  await expect((await source({ command: ['/nowhere/program'] }))()).rejects.toMatchObject({ code: 'ERR_CONFIG' })
})
