import { expect, jest, test } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { type Cli, createCli, createOrders, done, jsonLines, orderLines, SLOWEST_MS } from './cli.ts'

jest.setTimeout(SLOWEST_MS)

interface Printed {
  readonly partition: number
  readonly offset: number
}

const offsetsIn = (stdout: string) => jsonLines<Printed>(stdout).map(({ offset }) => offset)

async function createFilled(partitions: number, records: number): Promise<Cli> {
  const cli = createCli()
  await createOrders(cli, partitions)
  await done(cli.run(['produce', 'shop.orders'], orderLines(records)))
  return cli
}

test('into a reader it prints the range as consume does, and ends at what was the end', async () => {
  const cli = await createFilled(1, 10)
  const replay = (...args: string[]) => done(cli.run(['replay', 'shop.orders', ...args]))
  expect(offsetsIn((await replay('--from', '7', '--json')).stdout)).toEqual([7, 8, 9])
  expect(offsetsIn((await replay('--from', '0:2', '--to', '0:4', '--json')).stdout)).toEqual([2, 3])
  expect((await replay('--from', 'earliest')).stdout).toBe(
    (await done(cli.run(['consume', 'shop.orders', '--to', 'end']))).stdout,
  )
  expect((await done(cli.run(['groups', 'list', '--json']))).stdout).toBe('')
})

test('a-side-group-is-consumed-exactly-once-through-the-range-and-the-consumer-ends-by-itself', async () => {
  const cli = await createFilled(3, 60)
  await done(cli.run(['consume', 'shop.orders', '--group', 'live', '--limit', '60']))
  const range = ['--from', '0:3,1:2,2:1', '--to', '0:8,1:9,2:10']
  const dry = await done(cli.run(['replay', 'shop.orders', ...range, '--into-group', 'side', '--dry-run', '--json']))
  expect(jsonLines(dry.stdout)).toEqual([
    { topic: 'shop.orders', group: 'side', partition: 0, from: 3, to: 8, records: 5 },
    { topic: 'shop.orders', group: 'side', partition: 1, from: 2, to: 9, records: 7 },
    { topic: 'shop.orders', group: 'side', partition: 2, from: 1, to: 10, records: 9 },
  ])
  expect((await cli.run(['groups', 'describe', 'side'])).stderr).toContain('ERR_GROUP_UNKNOWN')

  const told = await done(cli.run(['replay', 'shop.orders', ...range, '--into-group', 'side']))
  expect(told.stdout).toBe('partition  from  to\n        0     3   8\n        1     2   9\n        2     1  10\n')
  expect(told.stderr).toContain('drawbridge consume shop.orders --group side')
  expect((await done(cli.run(['groups', 'describe', 'side']))).stdout).toMatch(
    /replays to\n[^]*\b8\n[^]*\b9\n[^]*\b10\n/,
  )

  const seen: string[] = []
  for (const args of [['--limit', '4'], [], []]) {
    const { stdout } = await done(cli.run(['consume', 'shop.orders', '--group', 'side', '--json', ...args]))
    seen.push(...jsonLines<Printed>(stdout).map(({ partition, offset }) => `${partition}:${offset}`))
  }
  const wanted = [
    [3, 8],
    [2, 9],
    [1, 10],
  ].flatMap(([from = 0, to = 0], partition) => Array.from({ length: to - from }, (_, n) => `${partition}:${from + n}`))
  expect(seen.toSorted()).toEqual(wanted.toSorted())
  const { stderr } = await done(cli.run(['consume', 'shop.orders', '--group', 'side']))
  expect(stderr).toBe('group side has come to the end of its replay on topic shop.orders\n')
  const live = await done(cli.run(['groups', 'describe', 'live', '--json']))
  expect(jsonLines<{ positions: readonly { lag: number }[] }>(live.stdout)[0]?.positions.map(({ lag }) => lag)).toEqual(
    [0, 0, 0],
  )
})

test('a-consumer-that-is-killed-takes-nothing-of-the-range-with-it', async () => {
  const cli = await createFilled(1, 3_000)
  await done(cli.run(['replay', 'shop.orders', '--from', '100', '--to', '2900', '--into-group', 'side']))
  const seen = new Set<number>()
  const killed = cli.start(['consume', 'shop.orders', '--group', 'side', '--json'])
  await eventually(() => killed.lines.length > 200, { what: 'some are printed' })
  killed.kill('SIGKILL')
  await killed.ended
  for (const { offset } of killed.messages() as readonly Printed[]) seen.add(offset)
  const rest = await done(cli.run(['consume', 'shop.orders', '--group', 'side', '--json']))
  expect(rest.stderr).toBe('')
  for (const offset of offsetsIn(rest.stdout)) seen.add(offset)
  expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_800 }, (_, n) => 100 + n))
})

test('a reset lifts the bound; a live group, a place that is not there and what is still to come are refused', async () => {
  const cli = await createFilled(1, 10)
  await done(cli.run(['replay', 'shop.orders', '--from', '0', '--to', '1', '--into-group', 'side']))
  await done(cli.run(['groups', 'reset', 'side', 'shop.orders', '--to', '5']))
  const member = cli.start(['consume', 'shop.orders', '--group', 'side', '--json'])
  await eventually(() => member.lines.length === 5, { what: 'the rest is printed' })
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli.run(['replay', 'shop.orders', ...args])
    expect([code, stdout]).toEqual([64, ''])
    return stderr
  }
  expect(await refused('--from', 'earliest', '--into-group', 'side')).toContain('error ERR_GROUP_ACTIVE: ')
  expect(await refused('--from', 'earliest', '--into-group', 'side', '--dry-run')).toContain('error ERR_GROUP_ACTIVE: ')
  expect(await refused('--from', '11', '--into-group', 'other')).toContain('offsets 0 to 10')
  expect(await refused('--to', 'end')).toContain("'--from <position>' not specified")
  expect(await refused('--from', 'earliest', '--connector', 'x', '--rate', '5')).toContain('error ERR_UNSUPPORTED: ')
  member.kill('SIGTERM')
  expect(await member.ended).toEqual({ code: 0, signal: null })
})
