import { describe, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runProcess } from '../kit/process.ts'
import { createCli, createOrders, done, jsonLines, ORDER_SCHEMA, orderLines, SLOWEST_MS } from './cli.ts'

describe('topics', () => {
  test('create, the same again, another, list and describe', async () => {
    const cli = createCli()
    expect((await done(cli.run(['topics', 'list']))).stderr).toContain('no topics yet')
    await createOrders(cli, 2)
    await createOrders(cli, 2)
    const other = await cli.run(['topics', 'create', 'shop.orders', '--schema', 'order.avsc', '--partitions', '3'])
    expect([other.code, other.stderr]).toEqual([64, expect.stringContaining('error ERR_TOPIC_DIFFERS: ')])
    expect((await done(cli.run(['topics', 'list', '--json']))).stdout).toBe('{"topic":"shop.orders"}\n')
    const [described] = jsonLines((await done(cli.run(['topics', 'describe', 'shop.orders', '--json']))).stdout)
    expect(described).toMatchObject({
      topic: 'shop.orders',
      partitions: 2,
      compact: false,
      schema: { ...ORDER_SCHEMA, 'drawbridge.key': 'customerId' },
    })
  })

  test('the key of the schema is the key of the records', async () => {
    const cli = createCli()
    await createOrders(cli, 1)
    await done(cli.run(['produce', 'shop.orders'], orderLines(2)))
    const { stdout } = await done(cli.run(['consume', 'shop.orders', '--to', 'end', '--json']))
    expect(jsonLines<{ key: string }>(stdout).map(({ key }) => key)).toEqual(['c-0', 'c-1'])
  })

  test('what create cannot take is named', async () => {
    const cli = createCli()
    cli.file('order.avsc', JSON.stringify(ORDER_SCHEMA))
    cli.file('broken.avsc', '{ "type": ')
    const cases = [
      [['a b', '--schema', 'order.avsc'], 'ERR_CONFIG', 'topic name "a b"'],
      [['t', '--schema', 'none.avsc'], 'ERR_CONFIG', '--schema none.avsc: cannot be read'],
      [['t', '--schema', 'broken.avsc'], 'ERR_SCHEMA_INVALID', 'broken.avsc is not JSON'],
      [['t', '--schema', 'order.avsc', '--key', 'id'], 'ERR_CONFIG', 'its fields are orderId, customerId, total'],
      [['t', '--schema', 'order.avsc', '--partitions', '0'], 'ERR_CONFIG', '--partitions "0"'],
      [['t', '--schema', 'order.avsc', '--compact'], 'ERR_CONFIG', 'name the key with --key'],
      [['t'], 'ERR_CONFIG', "'--schema <file>' not specified"],
    ] as const
    for (const [args, code, message] of cases) {
      const refused = await cli.run(['topics', 'create', ...args])
      expect([refused.code, refused.stdout]).toEqual([64, ''])
      expect(refused.stderr).toContain(`error ${code}: `)
      expect(refused.stderr).toContain(message)
    }
  })
})

test('groups are listed, described, and moved while idle', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(10)))
  await done(cli.run(['consume', 'shop.orders', '--group', 'g', '--limit', '4']))
  expect((await done(cli.run(['groups', 'list', '--json']))).stdout).toBe('{"group":"g","topic":"shop.orders"}\n')
  const next = async (...args: string[]) => {
    const { stdout } = await done(cli.run(['groups', ...args, '--json']))
    return jsonLines<{ positions: readonly unknown[] }>(stdout)[0]?.positions
  }
  expect(await next('describe', 'g')).toEqual([{ next: 4, end: 10, lag: 6 }])
  expect(await next('reset', 'g', 'shop.orders', '--to', '2')).toEqual([{ next: 2, end: 10, lag: 8 }])
  const moved = await done(cli.run(['groups', 'reset', 'g', 'shop.orders', '--to', 'end', '--json']))
  expect(jsonLines(moved.stdout)).toEqual([
    expect.objectContaining({ positions: [{ next: 10, end: 10, lag: 0 }], was: [2] }),
  ])

  const member = cli.start(['consume', 'shop.orders', '--group', 'g', '--json'])
  await done(
    cli.run(
      ['produce', 'shop.orders', '--envelope'],
      JSON.stringify({ value: { orderId: 'new', customerId: 'c', total: 1 } }),
    ),
  )
  await member.message(() => true, 'a record')
  const active = await cli.run(['groups', 'reset', 'g', 'shop.orders', '--to', 'earliest'])
  expect([active.code, active.stderr]).toEqual([64, expect.stringContaining('error ERR_GROUP_ACTIVE: ')])
  const unknown = await cli.run(['groups', 'describe', 'nobody'])
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('error ERR_GROUP_UNKNOWN: ')])
})

test(
  'what-cannot-be-undone-is-asked-for-first, and without a terminal needs --yes',
  async () => {
    const cli = createCli()
    await createOrders(cli, 1)
    await done(cli.run(['produce', 'shop.orders'], orderLines(3)))
    await done(cli.run(['consume', 'shop.orders', '--group', 'g', '--limit', '2']))
    const cases = [
      [['topics', 'widen', 'shop.orders', '--partitions', '3'], 'from 1 to 3 partitions'],
      [['groups', 'delete', 'g', 'shop.orders'], 'group g stands on topic shop.orders'],
      [['topics', 'delete', 'shop.orders'], '3 partitions of records: '],
    ] as const
    for (const [args, what] of cases) {
      const refused = await cli.run(args)
      expect([refused.code, refused.stdout]).toEqual([64, ''])
      expect(refused.stderr).toContain('--yes')
      expect(refused.stderr).toContain(what)
      const [before] = jsonLines((await done(cli.run(['topics', 'describe', 'shop.orders', '--json']))).stdout)
      expect(before).toMatchObject({ partitions: args[1] === 'widen' ? 1 : 3 })
      // Refused where it had been done before.
      await done(cli.run([...args, '--yes']))
    }
    expect((await done(cli.run(['topics', 'list', '--json']))).stdout).toBe('')
    expect((await cli.run(['topics', 'delete', 'shop.orders', '--yes'])).stderr).toContain('ERR_TOPIC_UNKNOWN')
  },
  SLOWEST_MS,
)

test('schemas are generated, and checked without writing', async () => {
  const cli = createCli()
  mkdirSync(join(cli.folder, 'schemas/shop'), { recursive: true })
  cli.file('schemas/shop/order.avsc', JSON.stringify(ORDER_SCHEMA))
  const missing = await cli.run(['schemas', 'check', '--json'])
  expect([missing.code, jsonLines(missing.stdout)]).toEqual([64, [{ file: 'schemas/shop/order.ts', state: 'missing' }]])
  await done(cli.run(['schemas', 'generate']))
  await done(cli.run(['schemas', 'check']))
  const file = join(cli.folder, 'schemas/shop/order.ts')
  const drifted = `${readFileSync(file, 'utf8')}// by hand\n`
  writeFileSync(file, drifted)
  const differs = await cli.run(['schemas', 'check'])
  expect([differs.code, differs.stderr]).toEqual([
    64,
    expect.stringContaining('run drawbridge schemas generate schemas'),
  ])
  expect(readFileSync(file, 'utf8')).toBe(drifted)
  expect((await cli.run(['schemas', 'check', 'elsewhere'])).stderr).toContain('there is no directory elsewhere')
})

describe('doctor', () => {
  test('creates nothing where there is nothing, and finds all well where there is', async () => {
    const cli = createCli()
    const before = jsonLines<{ check: string; status: string }>((await done(cli.run(['doctor', '--json']))).stdout)
    expect(before.map(({ check, status }) => [check, status])).toEqual([
      ['node', 'ok'],
      ['store', 'warn'],
      ['disk', 'ok'],
      ['schemas', 'ok'],
    ])
    await createOrders(cli, 1)
    const after = jsonLines<{ check: string; status: string }>((await done(cli.run(['doctor', '--json']))).stdout)
    expect(after.map(({ check, status }) => [check, status])).toEqual(
      ['node', 'store', 'disk', 'broker', 'registry', 'size', 'lock', 'users', 'schemas'].map((check) => [check, 'ok']),
    )
  })

  test('a broker that cannot be opened is a failure, and no password is shown', async () => {
    const cli = createCli()
    const ran = await cli.run(['doctor', '--broker', 'nobody://user:secret@host'])
    expect(ran.code).toBe(70)
    expect(ran.stdout).toContain('fail  broker')
    expect(ran.stdout + ran.stderr).not.toContain('secret')
  })
})

describe('the command line', () => {
  test('help-loads-no-library, so it is quick', async () => {
    const cli = createCli()
    const source = `import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
    const hook = pathToFileURL(join(cli.folder, cli.file('hook.mjs', source))).href
    const help = await runProcess('src/cli/main.ts', { nodeArgs: ['--import', hook], args: ['--help'] })
    expect(help.stdout).toContain('Usage: drawbridge')
    const loaded = help.stderr.split('\n').filter((url) => url.startsWith('file:') && url !== hook)
    const cheap =
      /\/src\/cli\/[\w-]+\.ts$|\/src\/core\/[\w-]+\.ts$|\/src\/connect\/exit-codes\.ts$|\/node_modules\/commander\//
    expect(loaded.length).toBeGreaterThan(10)
    expect(loaded.filter((url) => !cheap.test(url))).toEqual([])
  })

  test('mistakes end with 64 and say what to do; with --json in one line', async () => {
    const cli = createCli()
    for (const args of [[], ['topics'], ['tpoics', 'list'], ['topics', 'list', '--jsn'], ['consume']]) {
      const ran = await cli.run([...args, '--json'])
      expect([args, ran.code, ran.stdout]).toEqual([args, 64, ''])
      expect(jsonLines(ran.stderr)).toEqual([
        expect.objectContaining({ code: 'ERR_CONFIG', verdict: 'refuse', exitCode: 64 }),
      ])
    }
    const unknown = await cli.run(['topics', 'describe', 'nope'])
    expect([unknown.code, unknown.stdout]).toEqual([64, ''])
    expect(unknown.stderr).toMatch(/^error ERR_TOPIC_UNKNOWN: .*drawbridge topics list/)
    const unreachable = await cli.run(['topics', 'list', '--broker', 'kafka://127.0.0.1:1', '--json'])
    expect([unreachable.code, jsonLines(unreachable.stderr)]).toEqual([
      69,
      [expect.objectContaining({ code: 'ERR_BROKER_UNREACHABLE', verdict: 'retry', exitCode: 69 })],
    ])
    const scheme = await cli.run(['topics', 'list', '--broker', 'carrier-pigeon://loft'])
    expect([scheme.code, scheme.stderr]).toEqual([64, expect.stringContaining('error ERR_CONFIG: ')])
  })
})

test('--version and -V print the package’s version', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
  const cli = createCli()
  for (const option of ['--version', '-V'])
    expect(await cli.run([option])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('an older Node.js is told before anything that it may lack is loaded', async () => {
  const pretend = `
    import { registerHooks } from 'node:module'
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })
    registerHooks({ load(url, context, next) {
      if (/program|commander/.test(url)) throw new TypeError('too new: ' + url)
      return next(url, context)
    } })`
  const ran = await runProcess(resolve('src/cli/main.ts'), {
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`],
    args: ['topics', 'list'],
  })
  expect(ran.stderr).toMatch(/^error ERR_CONFIG: drawbridge needs Node\.js 22 or newer, this is 20\.20\.2;.*\n$/)
  expect([ran.code, ran.stdout]).toEqual([64, ''])
})
