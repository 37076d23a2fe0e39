import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { silentLog } from '../../src/core/log.ts'
import { type OpenBroker, openBroker } from '../../src/open-broker.ts'
import { openSchemaServer, type SchemaServer } from '../../src/registry/server.ts'
import { eventually } from '../kit/eventually.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { recordOf } from './schemas.ts'

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const SCHEMA = { schema: recordOf('a') }

let broker: OpenBroker
let server: SchemaServer

beforeAll(async () => {
  broker = await openBroker(`embedded:${tempDir()}`)
  server = await openSchemaServer({ registry: broker.registry, log: silentLog, host: '127.0.0.1', port: 0 })
  for (const subject of ['one', 'gone', 'twice'])
    await broker.registry.register(subject, subject === 'one' ? recordOf('a') : recordOf(subject))
  await broker.registry.register('twice', recordOf('twice', 'more='))
  await broker.registry.deleteVersion('twice', 1)
  await broker.registry.deleteSubject('gone')
  await broker.registry.register('fixed', recordOf('a'))
  await broker.registry.setMode('fixed', 'READONLY')
})
afterAll(async () => {
  await server.close()
  await broker.close()
})

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  url = server.url,
) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const type = response.headers.get('content-type')
  return { status: response.status, type, json: await response.json() }
}

describe('what is asked for wrongly has the dialect’s error code', () => {
  const cases: readonly (readonly [method: string, path: string, body: unknown, status: number, code: number])[] = [
    ['GET', '/subjects/none/versions', undefined, 404, 40401],
    ['GET', '/subjects/none/versions/latest', undefined, 404, 40401],
    ['POST', '/subjects/none', SCHEMA, 404, 40401],
    ['DELETE', '/subjects/none', undefined, 404, 40401],
    ['GET', '/subjects/one/versions/9', undefined, 404, 40402],
    ['DELETE', '/subjects/one/versions/9', undefined, 404, 40402],
    ['POST', '/compatibility/subjects/one/versions/9', SCHEMA, 404, 40402],
    ['GET', '/schemas/ids/999', undefined, 404, 40403],
    ['GET', '/schemas/ids/999/versions', undefined, 404, 40403],
    ['GET', '/schemas/ids/4294967295', undefined, 404, 40403],
    ['POST', '/subjects/one', { schema: recordOf('z') }, 404, 40403],
    ['DELETE', '/subjects/gone', undefined, 404, 40404],
    ['DELETE', '/subjects/one?permanent=true', undefined, 404, 40405],
    ['DELETE', '/subjects/twice/versions/1', undefined, 404, 40406],
    ['DELETE', '/subjects/one/versions/1?permanent=true', undefined, 404, 40407],
    ['GET', '/config/one', undefined, 404, 40408],
    ['DELETE', '/config/one', undefined, 404, 40408],
    ['GET', '/mode/one', undefined, 404, 40409],
    ['POST', '/subjects/one/versions', { schema: recordOf('a', 'b') }, 409, 409],
    ['POST', '/subjects/one/versions', { schema: '{"type":"what"}' }, 422, 42201],
    ['POST', '/subjects/one/versions', { schema: 7 }, 422, 42201],
    ['POST', '/subjects/one/versions', { ...SCHEMA, schemaType: 'PROTOBUF' }, 422, 42201],
    [
      'POST',
      '/subjects/one/versions',
      { ...SCHEMA, references: [{ name: 'x', subject: 'y', version: 1 }] },
      422,
      42201,
    ],
    ['POST', '/subjects/one/versions', { ...SCHEMA, references: 'x' }, 422, 42201],
    ['POST', '/subjects/one/versions', { ...SCHEMA, metadata: { properties: {} } }, 422, 42201],
    ['POST', '/compatibility/subjects/one/versions/latest', { schema: 'x' }, 422, 42201],
    ['GET', '/subjects/one/versions/0', undefined, 422, 42202],
    ['GET', '/subjects/one/versions/first', undefined, 422, 42202],
    ['PUT', '/config', { compatibility: 'SIDEWAYS' }, 422, 42203],
    ['PUT', '/config/one', {}, 422, 42203],
    ['PUT', '/config/one', { compatibility: 'FULL', normalize: true }, 422, 42203],
    ['PUT', '/mode', { mode: 'SOMETIMES' }, 422, 42204],
    ['PUT', '/mode/one', { mode: 'IMPORT' }, 422, 42204],
    ['POST', '/subjects/one/versions', { ...SCHEMA, id: 7 }, 422, 42205],
    ['POST', '/subjects/fixed/versions', { schema: recordOf('a', 'b=') }, 422, 42205],
    ['DELETE', '/subjects/fixed', undefined, 422, 42205],
    ['PUT', '/config/fixed', { compatibility: 'NONE' }, 422, 42205],
    ['POST', '/subjects/one/versions', '{"schema', 400, 400],
    ['POST', '/subjects/one/versions', '[]', 400, 400],
    ['GET', '/subjects/%zz/versions', undefined, 400, 400],
    ['GET', '/nothing/here', undefined, 404, 404],
    ['POST', '/subjects/one/versions', JSON.stringify({ schema: ' '.repeat(1_100_000) }), 413, 413],
  ]
  test.each(cases)('%s %s %j: %i %i', async (method, path, body, status, code) => {
    const answer = await ask(method, path, body)
    expect(answer).toEqual({
      status,
      type: MEDIA_TYPE,
      json: { error_code: code, message: expect.stringMatching(/./) },
    })
  })
})

describe('what is asked for rightly is answered in the dialect’s shape', () => {
  const entry = { subject: 'one', version: 1, id: 1, schema: recordOf('a') }
  const cases: readonly (readonly [method: string, path: string, body: unknown, json: unknown])[] = [
    ['GET', '/', undefined, {}],
    ['GET', '/schemas/types', undefined, ['AVRO']],
    ['GET', '/schemas/ids/1', undefined, { schema: recordOf('a') }],
    ['GET', '/schemas/ids/1/schema', undefined, JSON.parse(recordOf('a'))],
    [
      'GET',
      '/schemas/ids/1/versions',
      undefined,
      [
        { subject: 'fixed', version: 1 },
        { subject: 'one', version: 1 },
      ],
    ],
    ['GET', '/schemas/ids/1/subjects', undefined, ['fixed', 'one']],
    ['GET', '/subjects', undefined, ['fixed', 'one', 'twice']],
    ['GET', '/subjects?deleted=true&subjectPrefix=g', undefined, ['gone']],
    ['GET', '/subjects/twice/versions', undefined, [2]],
    ['GET', '/subjects/twice/versions?deleted=true', undefined, [1, 2]],
    ['GET', '/subjects/one/versions/1', undefined, entry],
    ['GET', '/subjects/one/versions/latest', undefined, entry],
    ['GET', '/subjects/one/versions/-1', undefined, entry],
    ['GET', '/subjects/one/versions/1/schema', undefined, JSON.parse(recordOf('a'))],
    ['GET', '/subjects/one/versions/1/referencedby', undefined, []],
    ['POST', '/subjects/one', SCHEMA, entry],
    ['POST', '/subjects/one/versions', { ...SCHEMA, schemaType: 'AVRO', references: [], metadata: null }, { id: 1 }],
    ['POST', '/compatibility/subjects/one/versions/latest', SCHEMA, { is_compatible: true }],
    ['POST', '/compatibility/subjects/one/versions', { schema: recordOf('a', 'b') }, { is_compatible: false }],
    ['GET', '/config', undefined, { compatibilityLevel: 'BACKWARD' }],
    ['GET', '/config/one?defaultToGlobal=true', undefined, { compatibilityLevel: 'BACKWARD' }],
    ['PUT', '/config/level', { compatibility: 'full' }, { compatibility: 'FULL' }],
    ['GET', '/config/level', undefined, { compatibilityLevel: 'FULL' }],
    ['DELETE', '/config/level', undefined, { compatibilityLevel: 'FULL' }],
    ['GET', '/mode', undefined, { mode: 'READWRITE' }],
    ['PUT', '/mode/level', { mode: 'READONLY' }, { mode: 'READONLY' }],
    ['DELETE', '/mode/level', undefined, { mode: 'READONLY' }],
  ]
  for (const [method, path, body, json] of cases) {
    test(`${method} ${path} ${JSON.stringify(body)}`, async () => {
      expect(await ask(method, path, body)).toEqual({ status: 200, type: MEDIA_TYPE, json })
    })
  }

  test('a check that is to be verbose says why', async () => {
    const path = '/compatibility/subjects/one/versions/latest?verbose=true'
    const { json } = await ask('POST', path, { schema: recordOf('a', 'b') })
    expect(json).toEqual({ is_compatible: false, messages: [expect.stringContaining('b: the new schema cannot read')] })
  })
})

test('a body that a web page could send without asking is refused', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/json',
  ])
    expect((await ask('POST', '/subjects/web/versions', SCHEMA, { 'content-type': type })).status).toBe(415)
  expect(await broker.registry.versions('web')).toEqual([])
  for (const type of ['application/json; charset=utf-8', 'application/vnd.schemaregistry+json'])
    expect((await ask('POST', '/subjects/web/versions', SCHEMA, { 'content-type': type })).status).toBe(200)
})

test('only those who log in are let in, and no password is told', async () => {
  const logins = new Map([
    ['ann', 'ä:secret'],
    ['bob', 'other'],
  ])
  await using guarded = await openSchemaServer({
    registry: broker.registry,
    log: silentLog,
    host: '127.0.0.1',
    port: 0,
    logins,
  })
  const as = (login: string, scheme = 'Basic') => ({
    authorization: `${scheme} ${Buffer.from(login).toString('base64')}`,
  })
  const denied = [
    {},
    as('ann:wrong'),
    as('ann'),
    as('bob:ä:secret'),
    as(':'),
    as('ann:ä:secret', 'Bearer'),
    { authorization: 'Basic %' },
  ]
  for (const headers of denied) {
    const answer = await ask('GET', '/subjects', undefined, headers, guarded.url)
    expect(answer).toMatchObject({ status: 401, json: { error_code: 401 } })
    expect(JSON.stringify(answer)).not.toContain('secret')
  }
  for (const login of ['ann:ä:secret', 'bob:other'])
    expect((await ask('GET', '/subjects', undefined, as(login), guarded.url)).status).toBe(200)
})

/** A server of its own, and the beginning of a registration sent to it by hand. */
async function openHalfAsked() {
  const options = { registry: broker.registry, log: silentLog, host: '127.0.0.1', port: 0 }
  const own = await openSchemaServer(options)
  const body = JSON.stringify({ schema: recordOf('late') })
  const socket = connect(Number(new URL(own.url).port), '127.0.0.1')
  const said: string[] = []
  socket.on('data', (chunk: Buffer) => said.push(chunk.toString())).on('error', () => undefined)
  const head = `POST /subjects/late/versions HTTP/1.1\r\nhost: x\r\ncontent-type: ${MEDIA_TYPE}\r\ncontent-length: ${body.length}`
  await new Promise<void>((resolve) => socket.write(`${head}\r\n\r\n${body.slice(0, 5)}`, () => resolve()))
  // A whole request that came later is answered, so the beginning has arrived.
  expect((await ask('GET', '/', undefined, {}, own.url)).status).toBe(200)
  return { own, socket, said: () => said.join(''), rest: body.slice(5) }
}

test('a server that closes answers the request in hand and takes no new one', async () => {
  const { own, socket, said, rest } = await openHalfAsked()
  const closed = own.close(60_000)
  socket.write(rest)
  await eventually(() => said().includes('{"id":'), { what: 'the answer', timeoutMs: 30_000 })
  await closed
  await expect(fetch(`${own.url}/subjects`)).rejects.toThrow()
  socket.destroy()
})

test('a client that stalls holds a closing server no longer than the deadline', async () => {
  const { own, socket, said } = await openHalfAsked()
  await own.close(100)
  expect(said()).toBe('')
  socket.destroy()
})

test('a port that is taken is told', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const opening = openSchemaServer({ registry: broker.registry, log: silentLog, host: '127.0.0.1', port })
  await expect(opening).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  })
  taken.close()
})
