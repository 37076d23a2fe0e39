import { afterEach, expect } from '@jest/globals'
import { spawn } from 'node:child_process'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { javaArguments, missingJavaTools, runJava } from './java.ts'
import {
  bootstrap,
  createTopic,
  mayLackTools,
  newName,
  noKafka,
  openKafkaBackend,
  readAll,
  textRecord,
} from './topics.ts'

const reason = noKafka ?? (mayLackTools ? missingJavaTools() : undefined)
const SLOW = { timeoutMs: 60_000, intervalMs: 250 }
const server = ['--bootstrap-server', bootstrap]
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** What the console consumer prints of a record beside its value. */
const SHOWN = ['partition', 'offset', 'key', 'headers'].flatMap((what) => [
  '--formatter-property',
  `print.${what}=true`,
])

interface GroupRow {
  readonly partition: number
  readonly position: number
  readonly end: number
  readonly lag: number
  /** `-` where the partition is nobody's. */
  readonly member: string
}

/** What `kafka-consumer-groups --describe` prints of a group. */
async function describeGroup(group: string): Promise<readonly GroupRow[]> {
  const lines = (await runJava('groups', [...server, '--describe', '--group', group])).split('\n')
  const cells = lines.map((line) => line.trim().split(/\s+/))
  const head = cells.find(([first]) => first === 'GROUP') ?? []
  const at = (row: readonly string[], name: string) => row[head.indexOf(name)] ?? ''
  return cells
    .filter((row) => row !== head && row[0] === group)
    .map((row) => ({
      partition: Number(at(row, 'PARTITION')),
      position: Number(at(row, 'CURRENT-OFFSET')),
      end: Number(at(row, 'LOG-END-OFFSET')),
      lag: Number(at(row, 'LAG')),
      member: at(row, 'CONSUMER-ID'),
    }))
    .toSorted((a, b) => a.partition - b.partition)
}

testUnless(reason, 'the-console-consumer-reads-keys-headers-null-and-empty-values-as-we-wrote-them', async () => {
  const backend = await openKafkaBackend()
  const topic = await createTopic('java', 1)
  const headers = [
    ['a', Buffer.from('1')],
    ['b', null],
    ['a', Buffer.alloc(0)],
  ] as const
  await backend.append(topic, 0, [
    { ...textRecord('v é', 'k'), headers },
    { key: null, value: null, headers: [], timestamp: 0 },
    textRecord('', ''),
  ])
  const args = ['--topic', topic, '--from-beginning', '--max-messages', '3', '--timeout-ms', '30000', ...SHOWN]
  const text = await runJava('consumer', [...server, ...args, '--formatter-property', 'null.literal=NULL'])
  expect(text.split('\n')).toEqual([
    'Partition:0\tOffset:0\ta:1,b:NULL,a:\tk\tv é',
    'Partition:0\tOffset:1\tNO_HEADERS\tNULL\tNULL',
    'Partition:0\tOffset:2\tNO_HEADERS\t\t',
    '',
  ])
})

testUnless(reason, 'we-read-what-the-java-client-wrote-in-every-codec-where-its-keys-go', async () => {
  const backend = await openKafkaBackend()
  await Promise.all(
    ['gzip', 'snappy', 'lz4', 'zstd'].map(async (codec) => {
      const topic = await createTopic(`java-${codec}`, 7)
      const keys = Array.from({ length: 300 }, (_, n) => `key-é-${n}`)
      const valueOf = (key: string) => `${codec} ${key} ${'text '.repeat(30)}`
      const properties = ['parse.key=true', 'key.separator=|'].flatMap((property) => ['--reader-property', property])
      const input = keys.map((key) => `${key}|${valueOf(key)}\n`).join('')
      await runJava('producer', [...server, '--topic', topic, '--compression-codec', codec, ...properties], input)
      const found: [string, { value: string; partition: number }][] = []
      for (let partition = 0; partition < 7; partition++) {
        for (const { key, value } of await readAll(topic, partition))
          found.push([String(key), { value: String(value), partition }])
      }
      expect(found).toHaveLength(keys.length)
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(
          keys.map((key) => [key, { value: valueOf(key), partition: backend.partitionFor(Buffer.from(key), 7) }]),
        ),
      )
    }),
  )
})

testUnless(reason, 'kafka-consumer-groups-sees-our-members-positions-and-lag', async () => {
  const backend = await openKafkaBackend()
  const [topic, group] = [await createTopic('java', 2), newName('group')]
  await backend.append(
    topic,
    0,
    ['a', 'b', 'c'].map((text) => textRecord(text)),
  )
  await backend.append(topic, 1, [textRecord('d')])
  const member = await joinGroup(backend, { group, topic, commit: true })
  closers.push(() => member.feed.close())
  await eventually(() => member.records.length === 4, { what: 'the member has read everything' })
  await eventually(async () => (await backend.describeGroup(group, topic)).positions.every(({ lag }) => lag === 0), {
    what: 'it has committed',
  })
  await member.feed.commit(0, 2)
  const { memberId } = member.feed
  expect(await describeGroup(group)).toEqual([
    { partition: 0, position: 2, end: 3, lag: 1, member: memberId },
    { partition: 1, position: 1, end: 1, lag: 0, member: memberId },
  ])
})

testUnless(reason, 'a-java-consumer-goes-on-where-our-group-stopped-and-we-where-it-stopped', async () => {
  const backend = await openKafkaBackend()
  const [topic, group] = [await createTopic('java', 1), newName('group')]
  await backend.append(
    topic,
    0,
    ['a', 'b', 'c', 'd', 'e', 'f'].map((text) => textRecord(text)),
  )
  const first = await joinGroup(backend, { group, topic })
  await eventually(() => first.records.length === 6, { what: 'our member has read everything' })
  await first.feed.commit(0, 2)
  await first.feed.close()
  const args = ['--topic', topic, '--group', group, '--from-beginning', '--max-messages', '2', '--timeout-ms', '30000']
  expect(await runJava('consumer', [...server, ...args])).toBe('c\nd\n')
  const second = await joinGroup(backend, { group, topic })
  closers.push(() => second.feed.close())
  await eventually(() => second.records.length === 2, { what: 'our second member goes on' })
  expect(second.values()).toEqual(['e', 'f'])
})

testUnless(
  reason,
  'a-java-consumer-and-ours-share-a-group',
  async () => {
    const backend = await openKafkaBackend()
    const [topic, group] = [await createTopic('java', 4), newName('group')]
    const member = await joinGroup(backend, { group, topic, commit: true })
    closers.push(() => member.feed.close())
    const java = spawn(
      'java',
      javaArguments('consumer', [...server, '--topic', topic, '--group', group, '--from-beginning']),
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    const exited = new Promise<void>((resolve) => java.on('close', () => resolve()))
    closers.push(async () => {
      java.kill('SIGTERM')
      await exited
    })
    let printed = ''
    java.stdout.setEncoding('utf8').on('data', (text: string) => void (printed += text))
    await eventually(
      async () => {
        const { members } = await backend.describeGroup(group, topic)
        return members.length === 2 && members.every(({ partitions }) => partitions.length === 2)
      },
      { ...SLOW, what: 'both hold two partitions' },
    )
    expect(member.lost).toEqual([])
    const values = [0, 1, 2, 3].flatMap((partition) => Array.from({ length: 50 }, (_, n) => `p${partition}-${n}`))
    for (const partition of [0, 1, 2, 3])
      await backend.append(
        topic,
        partition,
        values.filter((value) => value.startsWith(`p${partition}-`)).map((value) => textRecord(value)),
      )
    const seen = () => [...member.values(), ...printed.split('\n').filter((line) => line !== '')]
    await eventually(() => seen().length >= values.length, { ...SLOW, what: 'everything is read by one of them' })
    expect(seen().toSorted()).toEqual(values.toSorted())
    expect(member.values().length).toBe(100)
    expect([member.breaches, member.failures]).toEqual([[], []])
  },
  120_000,
)
