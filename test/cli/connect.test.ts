import { expect, test } from '@jest/globals'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../kit/eventually.ts'
import { type Cli, createCli, createOrders, done, jsonLines, ORDER_SCHEMA, orderLines } from './cli.ts'

test('validate names every problem with file, line and column, and starts nothing', async () => {
  const cli = withFiles(2)
  expect((await done(cli.run(['connect', 'validate', 'in.yaml', 'out.yaml']))).stdout).toBe(
    'ok orders-in: file-source, topic shop.orders\nok orders-out: file-sink, topic shop.orders\n',
  )
  cli.file('wrong.yaml', 'name: a\ntype: file-sink\ntopic: t\nconfig:\n  directory: out\n  formt: csv\n')
  const wrong = await cli.run(['connect', 'validate', 'in.yaml', 'wrong.yaml', 'none.yaml'])
  expect([wrong.code, wrong.stdout]).toEqual([64, ''])
  expect(wrong.stderr).toMatch(/wrong\.yaml:6:3 .*formt: unknown key; did you mean "format"\?/)
  expect(wrong.stderr).toMatch(/wrong\.yaml:5:3 .*format: missing/)
  expect(wrong.stderr).toMatch(/none\.yaml .*cannot be read/)
  expect(readdirSync(cli.folder)).not.toContain('store')
})

test('run takes rows through a topic to a file, tells states, ends with the source and drains on SIGTERM', async () => {
  const cli = withFiles(50)
  const source = await done(cli.run(['connect', 'run', 'in.yaml']))
  expect(source.stdout).toMatch(
    /^orders-in: STARTING \(pid \d+\)\norders-in: RUNNING \(pid \d+\)\n[^]*orders-in: DONE\n/,
  )
  expect(source.stdout).toMatch(/orders-in +DONE +0 +.*records_total 50/)

  const sink = cli.start(['connect', 'run', 'out.yaml', '--json'])
  await sink.message<{ state?: string }>(({ state }) => state === 'RUNNING', 'the sink running')
  await eventually(() => written(cli).length === 50, { what: '50 rows in files', timeoutMs: 30_000 })
  sink.kill('SIGTERM')
  expect(await sink.ended).toEqual({ code: 0, signal: null })
  const states = jsonLines<{ changed: string; state: string }>(sink.lines.join('\n')).map(({ state }) => state)
  expect(states.slice(-2)).toEqual(['DRAINING', 'STOPPED'])
  expect(new Set(written(cli)).size).toBe(50)
})

test('run says where and why a delivery failed', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(1)))
  const secret = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`
  const config = `{ url: "http://127.0.0.1:1/?token=abcdef", secrets: [${secret}], allowPrivate: true }`
  cli.file('hook.yaml', `name: hook\ntype: webhook-sink\ntopic: shop.orders\nconfig: ${config}\n`)
  const running = cli.start(['connect', 'run', 'hook.yaml'])
  await eventually(() => running.stderr().includes('attempt 1'), { what: 'the first attempt', timeoutMs: 30_000 })
  running.kill('SIGTERM')
  await running.ended
  expect(running.stderr()).toMatch(
    /^hook: handler failed, will try again \(topic shop\.orders, partition 0, offset 0, attempt 1\): the endpoint 127\.0\.0\.1:1 could not be reached: .*ECONNREFUSED/m,
  )
  expect(running.stderr()).not.toContain('abcdef')
})

test('validate says that a directory is no configuration file', async () => {
  const cli = createCli()
  const { code, stderr } = await cli.run(['connect', 'validate', '.'])
  expect([code, stderr]).toEqual([64, expect.stringMatching(/is a directory; name the file that holds the connectors/)])
})

function withFiles(rows: number): Cli {
  const cli = createCli()
  const topic = '{ name: shop.orders, schema: order.avsc, key: customerId, partitions: 2 }'
  cli.file('order.avsc', JSON.stringify(ORDER_SCHEMA))
  cli.file(
    'orders.csv',
    `orderId,customerId,total\n${Array.from({ length: rows }, (_, index) => `o-${index},c-${index % 3},1.5\n`).join('')}`,
  )
  cli.file(
    'in.yaml',
    `name: orders-in\ntype: file-source\ntopic: ${topic}\nconfig: { path: orders.csv, format: csv }\n`,
  )
  cli.file(
    'out.yaml',
    `name: orders-out\ntype: file-sink\ntopic: shop.orders\nconfig: { directory: out, format: csv, maxWaitMs: 100 }\n`,
  )
  mkdirSync(join(cli.folder, 'out'))
  return cli
}

function written(cli: Cli): readonly string[] {
  const out = join(cli.folder, 'out')
  return readdirSync(out)
    .filter((name) => name.endsWith('.csv'))
    .flatMap((name) => readFileSync(join(out, name), 'utf8').split('\n').slice(1))
    .filter((line) => line.startsWith('o-'))
}
