import { expect, test } from '@jest/globals'
import { createCli, done, jsonLines } from '../cli/cli.ts'
import { clientOf } from './registries.ts'
import { recordOf } from './schemas.ts'

test('schemas are pushed, checked, listed and judged by the level that was set', async () => {
  const cli = createCli()
  cli.file('a.avsc', recordOf('a'))
  cli.file('ab.avsc', recordOf('a', 'b'))
  expect((await done(cli.run(['schemas', 'list']))).stderr).toContain('no schemas yet')
  const { stdout } = await done(cli.run(['schemas', 'push', 'a.avsc', '--topic', 't', '--json']))
  expect(jsonLines(stdout)).toEqual([{ subject: 't-value', version: 1, id: 1 }])
  const dry = await cli.run(['schemas', 'push', 'ab.avsc', '--subject', 't-value', '--dry-run'])
  expect([dry.code, dry.stderr]).toEqual([64, expect.stringContaining('error ERR_SCHEMA_INCOMPATIBLE: ab.avsc')])
  await done(cli.run(['schemas', 'level', 'forward', '--subject', 't-value']))
  await done(cli.run(['schemas', 'push', 'ab.avsc', '--topic', 't', '--dry-run']))
  expect(jsonLines((await done(cli.run(['schemas', 'list', '--json']))).stdout)).toEqual([
    { subject: 't-value', latest: 1, id: 1, level: 'FORWARD' },
  ])
  await done(cli.run(['schemas', 'push', 'ab.avsc', '--topic', 't']))
  const versions = jsonLines((await done(cli.run(['schemas', 'list', 't-value', '--json']))).stdout)
  expect(versions).toEqual([
    { version: 1, id: 1, schema: JSON.parse(recordOf('a')) as object },
    { version: 2, id: 2, schema: JSON.parse(recordOf('a', 'b')) as object },
  ])
  const wrong = [
    ['list', 'none'],
    ['push', 'a.avsc'],
    ['push', 'none.avsc', '--topic', 't'],
    ['level', 'SIDEWAYS'],
  ]
  for (const args of wrong) {
    const refused = await cli.run(['schemas', ...args])
    expect([args, refused.code, refused.stdout]).toEqual([args, 64, ''])
  }
}, 180_000)

test('a served registry answers until SIGTERM ends it in order, and its login is not shown', async () => {
  const cli = createCli()
  cli.file('logins', '# who may\nann:very:secret\n')
  cli.file('a.avsc', recordOf('a'))
  await done(cli.run(['schemas', 'push', 'a.avsc', '--topic', 't']))
  const server = cli.start(['schemas', 'serve', '--port', '0', '--logins', 'logins', '--json'])
  const { url } = await server.message<{ url: string }>((line) => line.url !== undefined, 'the URL')
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect((await fetch(`${url}/subjects`)).status).toBe(401)
  const authorization = `Basic ${Buffer.from('ann:very:secret').toString('base64')}`
  const answer = await fetch(`${url}/subjects`, { headers: { authorization } })
  expect(await answer.json()).toEqual(['t-value'])
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 0, signal: null })
  expect(server.lines.join('\n') + server.stderr()).not.toContain('secret')
})

test('several-servers-of-one-broker-agree, each its own process', async () => {
  const cli = createCli()
  const servers = [1, 2].map(() => cli.start(['schemas', 'serve', '--port', '0', '--json']))
  const urls = await Promise.all(
    servers.map(
      async (server) => (await server.message<{ url: string }>((line) => line.url !== undefined, 'a URL')).url,
    ),
  )
  const clients = urls.map((url) => clientOf(url))
  const names = Array.from({ length: 20 }, (_, index) => `f${index}=`)
  await Promise.all(
    clients.flatMap((client, which) =>
      names.map((name, index) => client.register(`s${(index + which) % 4}`, recordOf('a', name))),
    ),
  )
  const seen = await Promise.all(
    clients.map(async (client) => {
      const entries = []
      for (const subject of await client.subjects())
        for (const version of await client.versions(subject)) entries.push(await client.version(subject, version))
      return entries
    }),
  )
  expect(seen[0]).toHaveLength(40)
  expect(seen[1]).toEqual(seen[0])
  const schemas = new Map(seen[0]?.map((entry) => [entry?.id, entry?.schema]))
  expect([schemas.size, new Set(schemas.values()).size]).toEqual([20, 20])
  await clients[0]?.deleteSubject('s0')
  expect(await clients[1]?.subjects()).toEqual(['s1', 's2', 's3'])
  await Promise.all(clients.map((client) => client.close()))
  for (const server of servers) server.kill('SIGTERM')
  for (const server of servers) expect(await server.ended).toEqual({ code: 0, signal: null })
}, 120_000)

test('commands, connectors and doctor use the registry that is given, and show nothing of its login', async () => {
  const [cli, other] = [createCli(), createCli()]
  other.file('logins', 'ann:very-secret\n')
  const server = other.start(['schemas', 'serve', '--port', '0', '--logins', 'logins', '--json'])
  const { url } = await server.message<{ url: string }>((line) => line.url !== undefined, 'the URL')
  const registry = ['--registry', url.replace('//', '//ann:very-secret@')]
  cli.file('a.avsc', recordOf('a'))
  cli.file('in.jsonl', '{"a":1}\n{"a":2}\n')
  const topic = '{ name: t, schema: a.avsc }'
  cli.file(
    'in.yaml',
    `name: in\ntype: file-source\ntopic: ${topic}\nconfig: { path: in.jsonl, format: jsonl, idle: exit }\n`,
  )
  const ran = await done(cli.run(['connect', 'run', 'in.yaml', ...registry]))
  expect(ran.stdout).toMatch(/in +DONE/)
  const consumed = await done(cli.run(['consume', 't', '--to', 'end', '--json', ...registry]))
  expect(jsonLines<{ value: unknown }>(consumed.stdout).map(({ value }) => value)).toEqual([{ a: 1 }, { a: 2 }])
  const listed = await done(other.run(['schemas', 'list', '--json']))
  expect(jsonLines<{ subject: string }>(listed.stdout).map(({ subject }) => subject)).toEqual(['t-value'])
  const well = await done(cli.run(['doctor', ...registry]))
  expect(well.stdout).toMatch(/ok +registry +the registry http:\/\/127\.0\.0\.1:\d+: 1 subjects/)

  const wrong = await cli.run(['consume', 't', '--to', 'end', '--registry', url.replace('//', '//ann:wr0ng@')])
  expect([wrong.code, wrong.stderr]).toEqual([69, expect.stringContaining('refuses the login (401)')])
  const absent = await cli.run(['connect', 'run', 'in.yaml'])
  expect(absent.stdout + absent.stderr).toContain('ERR_REGISTRY_DIFFERS')
  const shown = [ran, consumed, well, wrong, absent].map(({ stdout, stderr }) => stdout + stderr).join('')
  expect(shown).not.toMatch(/very-secret|wr0ng/)
  server.kill('SIGTERM')
  await server.ended
}, 180_000)

test('what serve cannot take is named, without a password', async () => {
  const cli = createCli()
  cli.file('bad', 'secret-without-user\n')
  cli.file('empty', '\n')
  const cases = [
    [['--port', '70000'], '--port "70000"'],
    [['--logins', 'none'], '--logins none: cannot be read'],
    [['--logins', 'bad'], '--logins bad, line 1: write user:password'],
    [['--logins', 'empty'], 'holds no login'],
  ] as const
  for (const [args, message] of cases) {
    const refused = await cli.run(['schemas', 'serve', ...args])
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining(message)])
    expect(refused.stderr).not.toContain('secret')
  }
})
