import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { systemClock } from '../../src/core/clock.ts'
import { createConfluentRegistry } from '../../src/registry/confluent-registry.ts'
import type { TransportLimits } from '../../src/registry/confluent-transport.ts'
import { parseRegistryOptions, type RegistryOptions } from '../../src/registry/registry-options.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { eventually } from '../kit/eventually.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { makeTestCa } from '../kit/test-ca.ts'
import { type Behaviour, dialectError, json, openFaultServer } from './fault-server.ts'
import { recordOf } from './schemas.ts'

const SCHEMA = { schema: recordOf('a') }
const UNREACHABLE = { code: 'ERR_BROKER_UNREACHABLE', verdict: 'retry' }

interface Options {
  readonly limits?: Partial<TransportLimits>
  readonly elapsed?: () => number
}

async function using<R>(
  given: string | RegistryOptions,
  { limits = {}, elapsed }: Options,
  use: (registry: Registry) => Promise<R>,
): Promise<R> {
  const target = parseRegistryOptions(given)
  if (target === null) throw new Error('a URL is missing')
  const clock = elapsed === undefined ? systemClock : { ...systemClock, elapsed }
  const registry = createConfluentRegistry({ target, clock, limits })
  try {
    return await use(registry)
  } finally {
    await registry.close()
  }
}

const fine: Behaviour = (response) => json(response, 200, SCHEMA)

describe('ids', () => {
  test('lookups-of-one-id-share-a-request-and-what-it-says-is-kept', async () => {
    await using server = await openFaultServer(fine)
    await using(server.url, {}, async (registry) => {
      await Promise.all(Array.from({ length: 50 }, () => registry.schemaById(7)))
      await registry.schemaById(7)
      expect(server.seen.map(({ path }) => path)).toEqual(['/schemas/ids/7'])
    })
  })

  test('an-unknown-id-is-not-asked-for-again-for-a-while', async () => {
    let now = 0
    await using server = await openFaultServer((response, n) =>
      n === 1 ? dialectError(response, 40403) : json(response, 200, SCHEMA),
    )
    await using(server.url, { elapsed: () => now }, async (registry) => {
      for (now = 0; now < 5_000; now += 500)
        await expect(registry.schemaById(7)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
      expect(server.seen).toHaveLength(1)
      expect(await registry.schemaById(7)).toBe(SCHEMA.schema)
      expect(server.seen).toHaveLength(2)
    })
  })

  test('a-404-that-is-not-of-the-dialect-is-no-unknown-id', async () => {
    const answers: readonly Behaviour[] = [
      (response) => void response.writeHead(404).end('<html>nginx</html>'),
      (response) => json(response, 404, { error_code: 404, message: 'HTTP 404 Not Found' }),
      (response) => json(response, 404, []),
      fine,
    ]
    await using server = await openFaultServer((response, n, request) => answers[n - 1]?.(response, n, request))
    await using(server.url, {}, async (registry) => {
      for (let n = 0; n < 3; n++) await expect(registry.schemaById(7)).rejects.toMatchObject(UNREACHABLE)
      expect(await registry.schemaById(7)).toBe(SCHEMA.schema)
    })
  })

  test('a-schema-that-is-not-avro-is-named', async () => {
    await using server = await openFaultServer((response) =>
      json(response, 200, { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }),
    )
    await using(server.url, {}, async (registry) => {
      const error = { code: 'ERR_SCHEMA_UNKNOWN', message: expect.stringContaining('"PROTOBUF", not Avro') }
      await expect(registry.schemaById(7)).rejects.toMatchObject(error)
    })
  })
})

describe('a registry that misbehaves is out of reach, in time', () => {
  /** For what would take the whole time limit; all else fails at once. */
  const impatient = { attemptMs: 300, totalMs: 800 }
  const cases: readonly (readonly [what: string, says: string, behaviour: Behaviour])[] = [
    ['silence', 'gave no whole answer within', () => undefined],
    [
      'a slow drip',
      'gave no whole answer within',
      (response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 50)
        response.on('close', () => clearInterval(drip))
      },
    ],
    ['a reset within the answer', 'cannot be reached', (response) => resetWithin(response)],
    ['a hang-up', 'cannot be reached', (response) => void response.destroy()],
    ['500 for ever', 'answers 500 (50001: said the server)', (response) => dialectError(response, 50001)],
    ['too many requests', 'answers 429', (response) => void response.writeHead(429).end()],
    ['no JSON', 'that is not JSON', (response) => void response.end('<html>login</html>')],
    ['JSON of another shape', 'another shape', (response) => json(response, 200, { schema: 7 })],
    ['a refused login', 'refuses the login (401)', (response) => dialectError(response, 401)],
    ['an unknown refusal', 'answers 405', (response) => void response.writeHead(405).end()],
    ['an unknown code', 'error 40499', (response) => dialectError(response, 40499)],
    [
      'a redirection',
      'a redirection, which is not followed',
      (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
  ]
  test.each(cases)('%s', async (_what, says, behaviour) => {
    await using server = await openFaultServer(behaviour)
    const limits = says.startsWith('gave no whole answer') ? impatient : {}
    await using(server.url, { limits }, async (registry) => {
      const started = performance.now()
      await expect(registry.schemaById(7)).rejects.toMatchObject({
        ...UNREACHABLE,
        message: expect.stringContaining(says),
      })
      expect(performance.now() - started).toBeLessThan(15_000)
      expect(server.seen.length).toBeLessThanOrEqual(3)
    })
  })

  test('a body without end is not read to its end', async () => {
    let sent = 0
    let cut = false
    await using server = await openFaultServer((response) => {
      response.on('close', () => {
        cut = true
      })
      const more = () => {
        while (!cut && sent < 1e9 && response.write(Buffer.alloc(65_536, 'a'))) sent += 65_536
        if (!cut) response.once('drain', more)
      }
      more()
    })
    await using(server.url, { limits: { maxBodyBytes: 1_000_000 } }, async (registry) => {
      const error = { ...UNREACHABLE, message: expect.stringContaining('more than 1000000 bytes') }
      await expect(registry.schemaById(7)).rejects.toMatchObject(error)
      await eventually(() => cut, { what: 'the connection is cut' })
      expect(sent).toBeLessThan(50_000_000)
    })
  })

  test('nobody listens, or nobody has the name', async () => {
    for (const url of ['http://127.0.0.1:9', 'http://registry.invalid'])
      await using(url, {}, async (registry) => {
        const error = { ...UNREACHABLE, message: expect.stringContaining(`${url} cannot be reached`) }
        await expect(registry.schemaById(7)).rejects.toMatchObject(error)
      })
  })

  test('a certificate that is not trusted is named, and one of the given authority is', async () => {
    const pem = (file: string) => readFileSync(file, 'utf8')
    const { ca, server: files } = makeTestCa(tempDir())
    await using server = await openFaultServer(fine, { key: pem(files.key), cert: pem(files.cert) })
    await using(server.url, {}, async (registry) => {
      const error = { ...UNREACHABLE, message: expect.stringMatching(/cannot be trusted \(.*NODE_EXTRA_CA_CERTS/) }
      await expect(registry.schemaById(7)).rejects.toMatchObject(error)
    })
    await using({ url: server.url, ca: pem(ca) }, {}, async (registry) => {
      expect(await registry.schemaById(7)).toBe(SCHEMA.schema)
    })
  })
})

describe('what is repeated', () => {
  const onceBroken =
    (broken: Behaviour, then: Behaviour): Behaviour =>
    (response, n, request) =>
      n === 1 ? broken(response, n, request) : then(response, n, request)
  const entry = { subject: 's', id: 1, version: 1, ...SCHEMA }

  test.each<[string, Behaviour]>([
    ['500', (response) => dialectError(response, 50001)],
    ['a reset', (response) => resetWithin(response)],
    ['silence', () => undefined],
  ])('a question and a registration, after %s', async (_what, broken) => {
    const calls: readonly ((registry: Registry) => Promise<unknown>)[] = [
      (registry) => registry.schemaById(1),
      (registry) => registry.find('s', SCHEMA.schema),
      (registry) => registry.check('s', SCHEMA.schema),
    ]
    for (const call of calls) {
      await using server = await openFaultServer(
        onceBroken(broken, (response) => json(response, 200, { ...entry, is_compatible: true })),
      )
      await using(server.url, { limits: { attemptMs: 3_000 } }, call)
      expect(server.seen).toHaveLength(2)
    }
    let registrations = 0
    await using server = await openFaultServer((response, n, request) => {
      if (!request.path.endsWith('/versions')) {
        if (registrations < 2) dialectError(response, 40403)
        else json(response, 200, entry)
      } else if (++registrations === 1) broken(response, n, request)
      else json(response, 200, { id: 1 })
    })
    await using(server.url, { limits: { attemptMs: 3_000 } }, async (registry) => {
      expect(await registry.register('s', SCHEMA.schema)).toEqual(entry)
      expect(registrations).toBe(2)
    })
  })

  test('no deletion', async () => {
    await using server = await openFaultServer((response) => dialectError(response, 50001))
    await using(server.url, {}, async (registry) => {
      const unknown = { ...UNREACHABLE, details: { outcome: 'unknown' } }
      await expect(registry.deleteSubject('s')).rejects.toMatchObject(unknown)
      expect(server.seen).toHaveLength(1)
      await expect(registry.find('s', SCHEMA.schema)).rejects.toMatchObject({ details: { outcome: 'not-written' } })
    })
  })

  test('the retries of other users of the library stay as they are', async () => {
    await using server = await openFaultServer((response) => json(response, 500, {}))
    await using(server.url, {}, (registry) => registry.schemaById(7).catch(() => undefined))
    const before = server.seen.length
    const retry = { initialRetryTimeInSecs: 0.01 }
    await new SchemaRegistry({ host: server.url, retry }).getSchema(1).catch(() => undefined)
    expect(server.seen.length - before).toBe(4)
  })
})

test.each([
  [40401, 'deleteSubject', 'ERR_SCHEMA_UNKNOWN'],
  [40402, 'deleteVersion', 'ERR_SCHEMA_UNKNOWN'],
  [40404, 'deleteSubject', 'ERR_SCHEMA_UNKNOWN'],
  [40405, 'deleteSubject', 'ERR_CONFIG'],
  [409, 'register', 'ERR_SCHEMA_INCOMPATIBLE'],
  [42201, 'register', 'ERR_SCHEMA_INVALID'],
  [422, 'register', 'ERR_SCHEMA_INVALID'],
  [42202, 'version', 'ERR_CONFIG'],
  [42203, 'setLevel', 'ERR_CONFIG'],
  [42205, 'register', 'ERR_REGISTRY_READ_ONLY'],
  [50001, 'register', 'ERR_BROKER_UNREACHABLE'],
  [50003, 'register', 'ERR_BROKER_UNREACHABLE'],
] as const)('%i of %s is %s', async (errorCode, operation, code) => {
  await using server = await openFaultServer((response, _n, { path }) =>
    operation === 'register' && path === '/subjects/s'
      ? dialectError(response, 40403)
      : dialectError(response, errorCode),
  )
  await using(server.url, { limits: { attempts: 1 } }, async (registry) => {
    const operations = {
      deleteSubject: () => registry.deleteSubject('s'),
      deleteVersion: () => registry.deleteVersion('s', 1),
      register: () => registry.register('s', SCHEMA.schema),
      version: () => registry.version('s', 1),
      setLevel: () => registry.setLevel('s', 'FULL'),
    }
    await expect(operations[operation]()).rejects.toMatchObject({ code })
  })
})

describe('logins', () => {
  const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`
  const cases: readonly (readonly [what: string, given: (url: string) => string | RegistryOptions, sent: string])[] = [
    ['in the URL', (url) => url.replace('//', '//a%40b:p%3Ass@'), basic('a@b:p:ss')],
    ['as user and password', (url) => ({ url, user: 'ann', password: 'p:ss' }), basic('ann:p:ss')],
    ['as a token', (url) => ({ url, token: 't0ken-long' }), 'Bearer t0ken-long'],
  ]
  test.each(cases)('%s, sent and never told', async (_what, given, sent) => {
    await using server = await openFaultServer((response, _n, { authorization }) =>
      json(response, 500, { error_code: 50001, message: `you sent ${authorization}, ${decoded(authorization)}` }),
    )
    await using(given(server.url), { limits: { attempts: 1 } }, async (registry) => {
      const error: unknown = await registry.subjects().catch((thrown: unknown) => thrown)
      expect(server.seen[0]?.authorization).toBe(sent)
      const told = inspect(error, { depth: 10, showHidden: true })
      expect(told).toContain('ERR_BROKER_UNREACHABLE')
      for (const secret of [sent.split(' ')[1] ?? '', 'p:ss', 'p%3Ass', 't0ken']) expect(told).not.toContain(secret)
      expect(JSON.stringify(registry.place)).not.toContain('@')
    })
  })

  test.each([
    'ftp://u:secret@h',
    'not a url with secret',
    'http://u:secret@h:80?x=secret',
    'http://h:1,http://u:secret@h:99999999',
    { url: 'http://h', token: 'secret', user: 'u' },
    { url: [] },
  ])('what cannot be an address is refused without being shown: %j', (given) => {
    let error: unknown
    try {
      parseRegistryOptions(given)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'ERR_CONFIG' })
    expect(inspect(error)).not.toContain('secret')
  })
})

describe('several hosts', () => {
  test('the next one is asked where one fails, and stays the one that is asked', async () => {
    await using dead = await openFaultServer((response) => void response.destroy())
    await using alive = await openFaultServer(fine)
    await using(`${dead.url},${alive.url}`, {}, async (registry) => {
      for (const id of [1, 2, 3]) expect(await registry.schemaById(id)).toBe(SCHEMA.schema)
      expect([dead.seen.length, alive.seen.length]).toEqual([1, 3])
      expect(registry.place).toEqual([dead.url, alive.url])
    })
  })

  test('an id is unknown when no host knows it: one may be behind', async () => {
    await using behind = await openFaultServer((response) => dialectError(response, 40403))
    await using ahead = await openFaultServer((response, _n, { path }) =>
      path === '/schemas/ids/1' ? json(response, 200, SCHEMA) : dialectError(response, 40403),
    )
    await using({ url: [behind.url, ahead.url] }, {}, async (registry) => {
      expect(await registry.schemaById(1)).toBe(SCHEMA.schema)
      await expect(registry.schemaById(2)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
      expect([behind.seen.length, ahead.seen.length]).toEqual([2, 2])
    })
  })
})

test('closing ends what is under way', async () => {
  await using server = await openFaultServer(() => undefined)
  await using(server.url, {}, async (registry) => {
    const looking = registry.schemaById(7)
    const refused = expect(looking).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await eventually(() => server.seen.length === 1, { what: 'the request arrived' })
    await registry.close()
    await refused
  })
})

function decoded(authorization = ''): string {
  return Buffer.from(authorization.split(' ')[1] ?? '', 'base64').toString()
}

function resetWithin(response: Parameters<Behaviour>[0]): void {
  response.writeHead(200, { 'content-length': 1_000 })
  response.write('{', () => response.socket?.resetAndDestroy())
}
