import { expect, test } from '@jest/globals'
import { createCli, done, jsonLines } from '../cli/cli.ts'
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
})

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
