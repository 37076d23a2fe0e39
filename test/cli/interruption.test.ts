import { expect, jest, test } from '@jest/globals'
import { openSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { connect } from '../../src/open-broker.ts'
import { eventually } from '../kit/eventually.ts'
import { type Cli, createCli, createOrders, done, jsonLines, orderLines, SLOWEST_MS } from './cli.ts'

jest.setTimeout(SLOWEST_MS)

async function committed(cli: Cli, group: string): Promise<number> {
  const { stdout } = await done(cli.run(['groups', 'describe', group, '--json']))
  return jsonLines<{ positions: readonly { next: number }[] }>(stdout)[0]?.positions[0]?.next ?? 0
}

test('a-signal-in-the-middle-of-a-group’s-output-leaves-exactly-what-was-printed-committed', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(20_000)))
  for (const [signal, code] of [
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const) {
    const consumer = cli.start(['consume', 'shop.orders', '--json', '--group', signal])
    await eventually(() => consumer.lines.length > 100, { what: 'some are printed', intervalMs: 1 })
    consumer.kill(signal)
    expect(await consumer.ended).toEqual({ code, signal: null })
    expect(consumer.lines.length).toBeLessThan(20_000)
    expect(await committed(cli, signal)).toBe(consumer.lines.length)
  }
})

test('an interrupted produce waits for what is under way, says where it stopped, and tells by its exit code', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  const total = async () =>
    jsonLines((await done(cli.run(['consume', 'shop.orders', '--to', 'end', '--json']))).stdout).length
  let before = 0
  for (const [signal, code] of [
    ['SIGTERM', 75],
    ['SIGINT', 130],
  ] as const) {
    const producer = cli.start(['produce', 'shop.orders'])
    producer.write(`${orderLines(50)}{"orderId":"half a li`)
    const reader = cli.start(['consume', 'shop.orders', '--json', '--from', String(before)])
    await eventually(() => reader.lines.length === 50, { what: 'the lines are sent' })
    reader.kill('SIGTERM')
    producer.kill(signal)
    expect(await producer.ended).toEqual({ code, signal: null })
    expect(producer.stderr()).toBe(
      '50 records sent to shop.orders\ninterrupted after line 50; send the rest from there\n',
    )
    expect((await total()) - before).toBe(50)
    before += 50
  }
})

test('output-that-cannot-be-written-is-a-failure-and-nothing-of-it-is-committed', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(10)))
  const main = resolve('src/cli/main.ts')
  for (const args of [
    ['consume', 'shop.orders', '--group', 'g'],
    ['consume', 'shop.orders', '--to', 'end'],
    ['topics', 'list'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd: cli.folder,
      env: { ...process.env, NODE_OPTIONS: '', DRAWBRIDGE_BROKER: 'embedded:./store' },
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    })
    expect([args, status, stderr.toString()]).toEqual([args, 70, expect.stringContaining('error ERR_OUTPUT_FAILED: ')])
  }
  expect(await committed(cli, 'g')).toBe(0)
})

test('a-record-that-cannot-be-decoded-ends-a-read-by-its-place, and is a letter for a group', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(2)))
  {
    await using broker = await connect(`embedded:${cli.folder}/store`)
    const topic = await broker.topic('shop.orders')
    await broker.producer({ ...topic, value: 'bytes' }).send(Buffer.from('no order'), { key: null })
  }
  await done(cli.run(['produce', 'shop.orders'], orderLines(2)))
  const read = await cli.run(['consume', 'shop.orders', '--to', 'end', '--json'])
  expect([read.code, jsonLines(read.stdout).length]).toEqual([70, 2])
  expect(jsonLines(read.stderr)).toEqual([
    expect.objectContaining({
      code: 'ERR_UNDECODABLE',
      details: { topic: 'shop.orders', partition: 0, offset: 2 },
      exitCode: 70,
    }),
  ])
  const group = await done(cli.run(['consume', 'shop.orders', '--group', 'g', '--limit', '4', '--json']))
  expect(jsonLines<{ offset: number }>(group.stdout).map(({ offset }) => offset)).toEqual([0, 1, 3, 4])
  const letters = await done(cli.run(['dead-letters', 'list', 'shop.orders', '--group', 'g', '--json']))
  expect(jsonLines(letters.stdout)).toEqual([
    expect.objectContaining({ partition: 0, offset: 2, code: 'ERR_UNDECODABLE' }),
  ])
})

test('whoever stops reading ends any command quietly', async () => {
  const cli = createCli()
  await createOrders(cli, 1)
  await done(cli.run(['produce', 'shop.orders'], orderLines(20_000)))
  for (const args of [
    ['consume', 'shop.orders', '--to', 'end'],
    ['replay', 'shop.orders', '--from', 'earliest', '--json'],
  ]) {
    const command = cli.start(args)
    await eventually(() => command.lines.length > 0, { what: 'a first line' })
    command.closeOutput()
    expect([args, await command.ended, command.stderr()]).toEqual([args, { code: 0, signal: null }, ''])
  }
})
