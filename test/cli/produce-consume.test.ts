import { describe, expect, test } from '@jest/globals'
import { connect } from '../../src/open-broker.ts'
import type { Envelope } from '../../src/cli/envelope.ts'
import { eventually } from '../kit/eventually.ts'
import { createCli, createOrders, done, jsonLines, orderLines, type Cli } from './cli.ts'

type Printed = Envelope & { readonly value: { readonly orderId: string } }

describe('produce', () => {
  test('a-bad-line-stops-by-its-number-and-the-lines-before-are-sent', async () => {
    const cli = createCli()
    await createOrders(cli, 2)
    const lines = `${orderLines(3)}{"orderId":"o-3","customerId":"c-3","totl":1}\n${orderLines(2)}`
    const bad = await cli.run(['produce', 'shop.orders'], lines)
    expect(bad.code).toBe(64)
    expect(bad.stdout).toBe('')
    expect(bad.stderr).toMatch(/^3 records sent to shop\.orders\nerror ERR_CONFIG: line 4 does not fit: totl: /)
    const notJson = await cli.run(['produce', 'shop.orders', '--json'], `${orderLines(1)}\n${orderLines(1)}`)
    expect(notJson.code).toBe(64)
    expect(jsonLines(notJson.stdout)).toEqual([{ topic: 'shop.orders', sent: 1 }])
    expect(jsonLines(notJson.stderr)).toEqual([expect.objectContaining({ code: 'ERR_CONFIG', details: { line: 2 } })])
    expect(await printed(cli, '--to', 'end')).toHaveLength(4)
  })

  test('a line the producer refuses stops it, too, and no later line is sent', async () => {
    const cli = createCli()
    await createOrders(cli, 2)
    const value = { orderId: 'o', customerId: 'c', total: 1 }
    const lines = [{ value }, { value, partition: 9 }, { value }].map((one) => JSON.stringify(one)).join('\n')
    const refused = await cli.run(['produce', 'shop.orders', '--envelope'], lines)
    expect(refused.stderr).toMatch(/^1 record sent to shop\.orders\nerror ERR_\w+: line 2: /)
    expect(refused.code).toBe(64)
    expect(await printed(cli, '--to', 'end')).toHaveLength(1)
  })

  test('nothing-is-skipped: every line is a record, the last one without a newline', async () => {
    const cli = createCli()
    await createOrders(cli, 3)
    const sent = await done(cli.run(['produce', 'shop.orders', '--json'], orderLines(5_000).trimEnd()))
    expect(jsonLines(sent.stdout)).toEqual([{ topic: 'shop.orders', sent: 5_000 }])
    const records = await printed(cli, '--to', 'end')
    expect(new Set(records.map((record) => record.value.orderId)).size).toBe(5_000)
    // Order of lines is order in the partition.
    for (const partition of [0, 1, 2]) {
      const numbers = records
        .filter((record) => record.partition === partition)
        .map((record) => Number(record.value.orderId.slice(2)))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })
})

describe('consume', () => {
  test('consume-json-into-produce-envelope-is-the-identity', async () => {
    const cli = createCli()
    await createOrders(cli, 2)
    cli.file(
      'bytes.avsc',
      JSON.stringify({
        type: 'record',
        name: 'Blob',
        fields: [
          { name: 'body', type: ['null', 'bytes'] },
          { name: 'n', type: 'long' },
        ],
      }),
    )
    for (const name of ['blobs', 'blobs.copy'])
      await done(cli.run(['topics', 'create', name, '--schema', 'bytes.avsc', '--partitions', '3']))
    const bytes = { base64: Buffer.from([0xff, 0x00, 0xfe]).toString('base64') }
    const envelopes = [
      { key: null, headers: [], timestamp: '2026-11-01T00:00:00.001Z', partition: 2, value: { body: null, n: 1 } },
      {
        key: '',
        headers: [['empty', '']],
        timestamp: '1970-01-01T00:00:00.001Z',
        partition: 0,
        value: { body: { base64: '' }, n: -2 },
      },
      {
        key: 'käse',
        headers: [
          ['a', null],
          ['a', 'twice'],
          ['ü', bytes],
        ],
        timestamp: '2026-11-01T00:00:00Z',
        partition: 0,
        value: { body: bytes, n: '-9007199254740991' },
      },
      {
        key: bytes,
        headers: [['line', 'a\nb\u0000']],
        timestamp: 0,
        partition: 1,
        value: { body: { base64: 'AAAA' }, n: 3 },
      },
    ]
    await done(cli.run(['produce', 'blobs', '--envelope'], envelopes.map((one) => JSON.stringify(one)).join('\n')))
    const original = await done(cli.run(['consume', 'blobs', '--to', 'end', '--json']))
    await done(cli.run(['produce', 'blobs.copy', '--envelope'], original.stdout))
    const copy = await done(cli.run(['consume', 'blobs.copy', '--to', 'end', '--json']))

    const bare = (stdout: string) =>
      jsonLines<Envelope>(stdout).map(({ topic: _topic, appendedAt: _appendedAt, ...rest }) => rest)
    expect(bare(original.stdout)).toHaveLength(4)
    expect(bare(copy.stdout)).toEqual(bare(original.stdout))
    // And as bytes, past the JSON.
    await using broker = await connect(`embedded:${cli.folder}/store`)
    const stored = async (name: string) => {
      const records = []
      for await (const { topic: _topic, appendedAt: _appendedAt, ...rest } of broker.read(await broker.topic(name), {
        to: 'end',
      }))
        records.push(rest)
      return records
    }
    const [first, second] = [await stored('blobs'), await stored('blobs.copy')]
    expect(second).toEqual(first)
    expect(first.find((record) => record.partition === 1)?.key).toEqual(Buffer.from([0xff, 0x00, 0xfe]))
    expect(
      first.flatMap((record) => record.headers.filter(([name]) => name === 'a').map(([, value]) => value?.toString())),
    ).toEqual([undefined, 'twice'])
  })

  test('a-limited-group-commits-exactly-what-it-printed', async () => {
    const cli = createCli()
    await createOrders(cli, 3)
    await done(cli.run(['produce', 'shop.orders'], orderLines(200)))
    const seen: string[] = []
    for (const limit of [1, 7, 50]) {
      const part = await printed(cli, '--group', 'g', '--limit', String(limit))
      expect(part).toHaveLength(limit)
      seen.push(...part.map(({ partition, offset }) => `${partition}:${offset}`))
      const { stdout } = await done(cli.run(['groups', 'describe', 'g', 'shop.orders', '--json']))
      const [group] = jsonLines<{ positions: readonly { next: number | null }[]; members: readonly unknown[] }>(stdout)
      expect(group?.members).toEqual([])
      expect(group?.positions.reduce((sum, { next }) => sum + (next ?? 0), 0)).toBe(seen.length)
    }
    seen.push(
      ...(await printed(cli, '--group', 'g', '--limit', '142')).map(
        ({ partition, offset }) => `${partition}:${offset}`,
      ),
    )
    expect(new Set(seen).size).toBe(200)
  })

  test('reads from and to a place: offsets, end, time, limit', async () => {
    const cli = createCli()
    await createOrders(cli, 1)
    await done(cli.run(['produce', 'shop.orders'], orderLines(10)))
    const offsets = async (...args: string[]) => (await printed(cli, ...args)).map((record) => record.offset)
    expect(await offsets('--from', '7', '--to', 'end')).toEqual([7, 8, 9])
    expect(await offsets('--from', '0:2', '--to', '0:4')).toEqual([2, 3])
    expect(await offsets('--limit', '2')).toEqual([0, 1])
    expect(await offsets('--from', '2020-01-01', '--to', '3')).toEqual([0, 1, 2])
    expect(await offsets('--from', '2999-01-01T00:00:00Z', '--to', 'end')).toEqual([])
    const refused = await cli.run(['consume', 'shop.orders', '--from', 'yesterday'])
    expect(refused.code).toBe(64)
    expect(refused.stderr).toContain('error ERR_CONFIG: --from "yesterday": use earliest, latest, an offset')
  })

  test('a live consumer prints what comes, and ends in order: SIGTERM with 0, SIGINT with 130', async () => {
    const cli = createCli()
    await createOrders(cli, 2)
    for (const [signal, code, group] of [
      ['SIGTERM', 0, ['--group', 'a']],
      ['SIGINT', 130, ['--group', 'b']],
      ['SIGINT', 130, []],
    ] as const) {
      const consumer = cli.start(['consume', 'shop.orders', '--json', '--from', 'earliest', ...group])
      await done(cli.run(['produce', 'shop.orders'], orderLines(1)))
      await eventually(() => consumer.lines.length > 0, { what: 'a printed record' })
      consumer.kill(signal)
      expect(await consumer.ended).toEqual({ code, signal: null })
      expect(consumer.stderr()).toBe('')
    }
  })

  test('a reader that goes away ends it quietly, and the group is left where the pipe ended', async () => {
    const cli = createCli()
    await createOrders(cli, 1)
    await done(cli.run(['produce', 'shop.orders'], orderLines(5_000)))
    const consumer = cli.start(['consume', 'shop.orders', '--json', '--group', 'head'])
    await eventually(() => consumer.lines.length > 0, { what: 'a printed record' })
    consumer.closeOutput()
    expect(await consumer.ended).toEqual({ code: 0, signal: null })
    expect(consumer.stderr()).toBe('')
    const { stdout } = await done(cli.run(['groups', 'describe', 'head', '--json']))
    const next = jsonLines<{ positions: readonly { next: number }[] }>(stdout)[0]?.positions[0]?.next ?? 0
    expect(next).toBeGreaterThanOrEqual(consumer.lines.length)
    expect(next).toBeLessThan(5_000)
  })

  test('a human line shows place, time, key and value, and no control characters', async () => {
    const cli = createCli()
    await createOrders(cli, 1)
    await done(
      cli.run(
        ['produce', 'shop.orders', '--envelope'],
        JSON.stringify({ key: 'k\u001b[31m', value: { orderId: 'o', customerId: 'c', total: 1 } }),
      ),
    )
    const { stdout } = await done(cli.run(['consume', 'shop.orders', '--to', 'end']))
    expect(stdout).toMatch(/^0:0 {2}\S+Z {2}k\\u001b\[31m {2}\{"orderId":"o","customerId":"c","total":1\}\n$/)
  })
})

async function printed(cli: Cli, ...args: string[]): Promise<readonly Printed[]> {
  return jsonLines<Printed>((await done(cli.run(['consume', 'shop.orders', '--json', ...args]))).stdout)
}
