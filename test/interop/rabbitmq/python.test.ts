import { describe, expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { findPython } from './python.ts'
import { closeAtEnd, mayLackTools, newName, noRabbitmq, open, readAll, record, streamUrl } from './streams.ts'

const python = noRabbitmq ?? (await findPython())
const reason = typeof python === 'string' && mayLackTools ? python : undefined
const LIMIT_MS = 120_000

async function run(program: string, ...args: readonly string[]): Promise<string> {
  if (typeof python === 'string') throw new Error(python)
  return python.run(program, [streamUrl, ...args])
}

describe('a Python stream client', () => {
  testUnless(
    reason,
    'a-python-super-stream-consumer-reads-keys-headers-times-null-and-empty-values-as-we-wrote-them',
    async () => {
      const { backend, topic } = await open(2)
      await backend.append(topic, 0, [
        record('v é', { key: Buffer.from('clé'), headers: [['trace', Buffer.from('abc')]] }),
        record(null, { key: Buffer.from([0, 255]) }),
        record('odd', { headers: [['a', null]] }),
      ])
      await backend.append(topic, 1, [record('')])
      const lines = (await run('consume.py', topic, '4')).trimEnd().split('\n')
      const found = lines.map((line) => JSON.parse(line) as [string, number, ...unknown[]])
      const time = 1_700_000_000_123
      expect(found.toSorted(([a, x], [b, y]) => (a === b ? x - y : a < b ? -1 : 1))).toEqual([
        [`${topic}-0`, 0, 'v é', { 'x-opt-partition-key': 'clé' }, { trace: 'abc' }, time],
        [`${topic}-0`, 1, '', { 'x-drawbridge-key': 'AP8=', 'x-drawbridge-null': true }, null, time],
        [`${topic}-0`, 2, 'odd', { 'x-drawbridge-headers': '[["a",null]]' }, null, time],
        [`${topic}-1`, 0, '', null, null, time],
      ])
    },
    LIMIT_MS,
  )

  testUnless(
    reason,
    'we-read-what-a-python-super-stream-producer-writes-with-properties-of-every-type',
    async () => {
      const { backend, topic } = await open(3)
      await run('produce.py', topic, '3')
      for (const partition of [0, 1, 2]) {
        const records = await readAll(backend, topic, partition)
        const text = (n: number) => `p${partition}-${n}`
        expect(records.map(({ value }) => String(value))).toEqual(Array.from({ length: 10 }, (_, n) => text(n)))
        expect(records[3]).toMatchObject({ key: Buffer.from('k3'), timestamp: 1_700_000_000_000 })
        expect(Object.fromEntries((records[3]?.headers ?? []).map(([name, value]) => [name, value]))).toEqual({
          partition: Buffer.from(String(partition)),
          int: Buffer.from('7'),
          negative: Buffer.from('-1'),
          yes: Buffer.from('true'),
          fraction: Buffer.from('1.5'),
          empty: Buffer.from(''),
          bytes: Buffer.from([0xff, 0xfe]),
          note: Buffer.from('n'),
          'amqp.message-id': Buffer.from('m3'),
          'amqp.content-type': Buffer.from('text/plain'),
        })
      }
    },
    LIMIT_MS,
  )

  for (const compression of ['No', 'Gzip', 'Snappy', 'Lz4', 'Zstd']) {
    testUnless(
      reason,
      `we-read-sub-entries-a-python-client-wrote-and-commit-within-them: ${compression}`,
      async () => {
        const { backend, topic } = await open(1)
        await run('sub_entries.py', `${topic}-0`, compression, '500')
        const inside = Array.from({ length: 500 }, (_, n) => `${compression}-${n}`)
        const records = await readAll(backend, topic)
        expect(records.map(({ value }) => String(value))).toEqual(['before', ...inside, 'after'])
        expect(records.map(({ offset }) => offset)).toEqual(records.map((_, n) => n))
        expect(records[7]?.headers.map(([name, value]) => [name, String(value)])).toEqual([['n', '6']])
        const group = newName('group')
        const first = await joinGroup(backend, { group, topic })
        await eventually(() => first.records.length === 502, { what: 'our member has read everything' })
        await first.feed.commit(0, 300)
        await first.feed.close()
        const second = await joinGroup(backend, { group, topic })
        closeAtEnd(() => second.feed.close())
        await eventually(() => second.records.length === 202, { what: 'it goes on in the middle of the batch' })
        expect(second.values()).toEqual([...inside.slice(299), 'after'])
      },
      LIMIT_MS,
    )
  }
})
