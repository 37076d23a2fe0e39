import { describe, expect } from '@jest/globals'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Offset } from 'rabbitmq-stream-js-client'
import type { SuperStreamConsumer } from 'rabbitmq-stream-js-client/dist/super_stream_consumer.js'
import type { Backend } from '../../../src/core/backend.ts'
import { eventually } from '../../kit/eventually.ts'
import { type GroupMember, joinGroup } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { findPython } from './python.ts'
import {
  askManagement,
  closeAtEnd,
  mayLackTools,
  newName,
  noRabbitmq,
  open,
  openStreamClient,
  record,
  streamUrl,
} from './streams.ts'

const python = noRabbitmq ?? (await findPython())
const noPython = typeof python === 'string' && mayLackTools ? python : undefined
const LIMIT_MS = 120_000
const SLOW = { timeoutMs: 60_000, intervalMs: 250 }
const PARTITIONS = [0, 1, 2, 3]

interface Word {
  readonly active?: string
  readonly stored?: string
  readonly stream?: string
  readonly offset?: number
  readonly value?: string
}

/** A Python member of the group, and what it has said. `leave` stores its positions first. */
function startPython(topic: string, group: string) {
  if (typeof python === 'string') throw new Error(python)
  const child = python.start('member.py', [streamUrl, topic, group])
  const ended = once(child, 'close') as Promise<[number | null]>
  closeAtEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const words: Word[] = []
  const errors: Buffer[] = []
  createInterface({ input: child.stdout }).on('line', (line) => words.push(JSON.parse(line) as Word))
  child.stderr.on('data', (data: Buffer) => errors.push(data))
  return {
    words,
    values: () => words.flatMap(({ value }) => value ?? []),
    async leave() {
      child.stdin.end()
      const [code] = await ended
      expect([code, code === 0 ? '' : Buffer.concat(errors).toString()]).toEqual([0, ''])
    },
  }
}

/** Values `ROUND-PARTITION-N`, so many in each partition. */
async function append(backend: Backend, topic: string, round: string, each: number): Promise<readonly string[]> {
  const values = PARTITIONS.map((partition) => Array.from({ length: each }, (_, n) => `${round}-${partition}-${n}`))
  for (const [partition, some] of values.entries())
    await backend.append(
      topic,
      partition,
      some.map((value) => record(value)),
    )
  return values.flat()
}

async function join(backend: Backend, topic: string, group: string): Promise<GroupMember> {
  const member = await joinGroup(backend, { group, topic, commit: true })
  closeAtEnd(() => member.feed.close())
  return member
}

async function committedAll(backend: Backend, topic: string, group: string): Promise<void> {
  await eventually(async () => (await backend.describeGroup(group, topic)).positions.every(({ lag }) => lag === 0), {
    ...SLOW,
    what: 'all that was read is committed',
  })
}

describe('groups of ours and other clients', () => {
  testUnless(
    noPython,
    'a-python-member-shares-our-group-and-each-goes-on-where-the-other-stopped',
    async () => {
      const { backend, topic } = await open(PARTITIONS.length)
      const group = newName('group')
      const ours = await join(backend, topic, group)
      const first = await append(backend, topic, 'first', 50)
      await eventually(() => ours.records.length === first.length, { ...SLOW, what: 'we have read the first' })
      await committedAll(backend, topic, group)

      const theirs = startPython(topic, group)
      await eventually(() => ours.held().length === 2 && theirs.words.filter(({ active }) => active).length >= 2, {
        ...SLOW,
        what: 'both hold two partitions',
      })
      // Management is some seconds behind.
      const shown = async () => {
        const { members } = await backend.describeGroup(group, topic)
        const own = members.find(({ id }) => id === ours.feed.memberId)
        return [members.length, own?.partitions, members.find((member) => member !== own)?.partitions]
      }
      const theirPartitions = PARTITIONS.filter((partition) => !ours.held().includes(partition))
      const due = JSON.stringify([2, ours.held(), theirPartitions])
      await eventually(async () => JSON.stringify(await shown()) === due, { ...SLOW, what: 'the group shows both' })

      const second = await append(backend, topic, 'second', 50)
      const seen = () => [...ours.values(), ...theirs.values()]
      await eventually(() => seen().length >= first.length + second.length, { ...SLOW, what: 'all is read by one' })
      // Each record once: they went on behind our positions.
      expect(seen().toSorted()).toEqual([...first, ...second].toSorted())
      expect(theirs.values()).toHaveLength(100)

      await theirs.leave()
      await eventually(() => ours.held().length === PARTITIONS.length, { ...SLOW, what: 'all is ours again' })
      await committedAll(backend, topic, group)
      const third = await append(backend, topic, 'third', 10)
      await eventually(() => ours.values().filter((value) => value.startsWith('third')).length >= third.length, {
        ...SLOW,
        what: 'we have read the third',
      })
      // And we behind theirs.
      expect(seen().toSorted()).toEqual([...first, ...second, ...third].toSorted())
      expect([ours.breaches, ours.lost, ours.failures]).toEqual([[], [], []])
    },
    LIMIT_MS,
  )

  testUnless(
    noPython,
    'we-go-on-in-a-group-that-a-python-client-began',
    async () => {
      const { backend, topic } = await open(PARTITIONS.length)
      const group = newName('group')
      const first = await append(backend, topic, 'first', 20)
      const theirs = startPython(topic, group)
      await eventually(() => theirs.values().length === first.length, { ...SLOW, what: 'they have read the first' })
      await theirs.leave()
      const second = await append(backend, topic, 'second', 5)
      const ours = await join(backend, topic, group)
      await eventually(() => ours.records.length >= second.length, { ...SLOW, what: 'we have read the second' })
      expect(ours.values().toSorted()).toEqual(second.toSorted())
      expect(ours.assignments.map(({ position, lost }) => [position, lost])).toEqual(
        PARTITIONS.map(() => [20, undefined]),
      )
    },
    LIMIT_MS,
  )

  testUnless(
    noRabbitmq,
    'a-member-of-the-npm-stream-client-shares-our-group',
    async () => {
      const { backend, topic } = await open(PARTITIONS.length)
      const group = newName('group')
      const ours = await join(backend, topic, group)
      await eventually(() => ours.held().length === PARTITIONS.length, { ...SLOW, what: 'all is ours' })
      const client = await openStreamClient()
      const read: string[] = []
      // Its super-stream consumer takes no listener, so that it begins anew at each hand-over; its plain one takes both.
      for (const partition of PARTITIONS) {
        await client.declareConsumer(
          {
            stream: `${topic}-${partition}`,
            offset: Offset.next(),
            consumerRef: group,
            singleActive: true,
            consumerUpdateListener: async (reference, stream) => {
              const stored = await client.queryOffset({ reference, stream })
              return Offset.offset(BigInt.asUintN(64, stored + 1n))
            },
          },
          ({ content }) => void read.push(content.toString()),
          { superStream: topic } as SuperStreamConsumer,
        )
      }
      await eventually(() => ours.held().length === 2, { ...SLOW, what: 'two partitions are theirs' })
      const values = await append(backend, topic, 'one', 50)
      await eventually(() => read.length + ours.records.length >= values.length, { ...SLOW, what: 'all is read' })
      expect([...read, ...ours.values()].toSorted()).toEqual(values.toSorted())
      expect(read).toHaveLength(100)
      await client.close()
      // They stored nothing, so that what they read comes to us once more.
      await eventually(() => ours.held().length === PARTITIONS.length, { ...SLOW, what: 'all is ours again' })
      await eventually(() => ours.records.length >= values.length, { ...SLOW, what: 'we have read all' })
      expect(ours.values().toSorted()).toEqual(values.toSorted())
      expect([ours.breaches, ours.lost, ours.failures]).toEqual([[], [], []])
    },
    LIMIT_MS,
  )

  testUnless(
    noRabbitmq,
    'management-shows-our-groups-positions-and-members',
    async () => {
      const { backend, topic } = await open(PARTITIONS.length)
      const group = newName('group')
      const values = await append(backend, topic, 'one', 30)
      const ours = await join(backend, topic, group)
      await eventually(() => ours.records.length === values.length, { ...SLOW, what: 'we have read all' })
      await committedAll(backend, topic, group)
      for (const partition of PARTITIONS) {
        const tracking = (await askManagement(`/stream/%2F/${topic}-${partition}/tracking?type=offset`)) as {
          offsets: Record<string, number>
        }
        // The last offset handled, as RabbitMQ's own clients store it.
        expect(tracking.offsets[group]).toBe(29)
      }
      interface Shown {
        readonly active: boolean
        readonly queue: { readonly name: string }
        readonly properties: Readonly<Record<string, string>>
      }
      const shown = async () => {
        const consumers = (await askManagement('/stream/consumers/%2F')) as readonly Shown[]
        return consumers.filter(({ properties }) => properties['name'] === group)
      }
      // Management is some seconds behind.
      await eventually(async () => (await shown()).filter(({ active }) => active).length === PARTITIONS.length, {
        ...SLOW,
        what: 'management shows an active consumer on each partition',
      })
      const rows = (await shown()).map(({ queue, properties }) => [queue.name, properties] as const)
      expect(Object.fromEntries(rows)).toEqual(
        Object.fromEntries(
          PARTITIONS.map((partition) => [
            `${topic}-${partition}`,
            {
              name: group,
              'single-active-consumer': 'true',
              'super-stream': topic,
              'drawbridge-member': ours.feed.memberId,
            },
          ]),
        ),
      )
    },
    LIMIT_MS,
  )
})
