import { expect } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { done, jsonLines } from '../cli/cli.ts'
import { eventually } from '../kit/eventually.ts'
import { runProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { onEveryBackend } from './every-backend.ts'

const SCHEMA = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'body', type: ['null', 'bytes'] },
    { name: 'n', type: 'long' },
  ],
}

interface Printed {
  readonly partition: number
  readonly offset: number
}

onEveryBackend('command line', ({ it, connect, url, name }) => {
  /** The command as a process; resolves to its JSON lines. Its exit code has to be 0. */
  async function run<T>(args: readonly string[], input?: string): Promise<readonly T[]> {
    const options = { args: [...args, '--json', '--broker', url()], ...(input === undefined ? {} : { input }) }
    const ran = await done(runProcess(resolve('src/cli/main.ts'), options))
    return jsonLines<T>(ran.stdout)
  }

  async function createReadings(partitions: number): Promise<string> {
    const file = join(tempDir(), 'reading.avsc')
    writeFileSync(file, JSON.stringify(SCHEMA))
    const topic = name('t')
    await run(['topics', 'create', topic, '--schema', file, '--partitions', String(partitions)])
    return topic
  }

  const envelopes = (count: number, partitions: number) =>
    Array.from({ length: count }, (_, n) =>
      JSON.stringify({ key: `k-${n}`, partition: n % partitions, value: { body: null, n } }),
    ).join('\n')

  it('consume-json-into-produce-envelope-is-the-identity', async () => {
    const [first, second] = [await createReadings(2), await createReadings(2)]
    const odd = { base64: Buffer.from([0xff, 0x00, 0xfe]).toString('base64') }
    const records = [
      {
        key: odd,
        headers: [
          ['a', null],
          ['a', 'twice'],
          ['', odd],
        ],
        timestamp: '2020-01-01T00:00:00.001Z',
        value: { body: odd, n: 1 },
      },
      { key: '', partition: 1, headers: [], value: { body: null, n: -5 } },
      { key: null, partition: 0, value: { body: { base64: '' }, n: Number.MAX_SAFE_INTEGER } },
      { key: 'é日本', partition: 1, value: { body: { base64: 'eA==' }, n: 0 } },
    ]
    await run(['produce', first, '--envelope'], records.map((record) => JSON.stringify(record)).join('\n'))
    const original = await run<Record<string, unknown>>(['consume', first, '--to', 'end'])
    await run(['produce', second, '--envelope'], original.map((line) => JSON.stringify(line)).join('\n'))
    const copy = await run<Record<string, unknown>>(['consume', second, '--to', 'end'])
    const bare = (lines: readonly Record<string, unknown>[]) =>
      lines
        .map(({ partition, timestamp, key, headers, value }) => ({ partition, timestamp, key, headers, value }))
        .toSorted((a, b) => Number(a.partition) - Number(b.partition))
    expect(original).toHaveLength(4)
    expect(bare(copy)).toEqual(bare(original))
  }, 120_000)

  it('limited-groups-ranges-replay-and-deletion-work-as-one-would-think', async () => {
    const topic = await createReadings(2)
    await run(['produce', topic, '--envelope'], envelopes(40, 2))
    const places = (printed: readonly Printed[]) => printed.map(({ partition, offset }) => `${partition}:${offset}`)
    const all = places(await run<Printed>(['consume', topic, '--to', 'end']))
    expect(new Set(all).size).toBe(40)

    const seen: string[] = []
    for (const limit of ['1', '9', '30'])
      seen.push(...places(await run(['consume', topic, '--group', 'g', '--limit', limit])))
    expect(seen.toSorted()).toEqual(all.toSorted())
    const [group] = await run<{ members: readonly unknown[]; positions: readonly { lag: number }[] }>([
      'groups',
      'describe',
      'g',
      topic,
    ])
    expect([group?.members, group?.positions.map(({ lag }) => lag)]).toEqual([[], [0, 0]])

    const range = ['--from', 'earliest', '--into-group', 'again']
    const planned = await run<{ records: number }>(['replay', topic, ...range, '--dry-run'])
    expect(planned.map(({ records }) => records)).toEqual([20, 20])
    await run(['replay', topic, ...range])
    expect(places(await run(['consume', topic, '--group', 'again'])).toSorted()).toEqual(all.toSorted())
    expect(await run(['consume', topic, '--group', 'again'])).toEqual([])

    await run(['groups', 'delete', 'again', topic, '--yes'])
    expect(
      (await run<{ topic: string; group: string }>(['groups', 'list'])).filter((each) => each.topic === topic),
    ).toEqual([{ group: 'g', topic }])
    await run(['topics', 'delete', topic, '--yes'])
    expect((await run<{ topic: string }>(['topics', 'list'])).map((each) => each.topic)).not.toContain(topic)
  }, 120_000)

  it('a-letter-is-listed-and-shown-with-its-value', async () => {
    const topic = await createReadings(2)
    await run(['produce', topic, '--envelope'], envelopes(4, 2))
    const broker = await connect()
    const subscription = await broker.subscribe(
      await broker.topic(topic),
      { group: 'g', retry: { attempts: 1 } },
      ({ key }) => {
        if (key?.toString() === 'k-3') throw new Error('no')
      },
    )
    await eventually(async () => (await broker.groups.describe('g', topic)).positions.every(({ lag }) => lag === 0), {
      what: 'all are handled',
    })
    await subscription.stop()
    const [place] = (await run<Printed & { key: string }>(['consume', topic, '--to', 'end'])).filter(
      ({ key }) => key === 'k-3',
    )
    const listed = await run<Printed>(['dead-letters', 'list', topic, '--group', 'g'])
    expect(listed).toEqual([
      expect.objectContaining({ partition: 1, offset: place?.offset, code: 'ERR_HANDLER_FAILED', cause: 'no' }),
    ])
    expect(await run(['dead-letters', 'list', topic])).toEqual([
      expect.objectContaining({ topic, group: 'g', letters: 1 }),
    ])
    const at = `${place?.partition}:${place?.offset}`
    expect(await run(['dead-letters', 'show', topic, at, '--group', 'g'])).toEqual([
      expect.objectContaining({ key: 'k-3', value: { body: null, n: 3 }, sourceIsThere: true, times: 1 }),
    ])
  }, 120_000)
})
