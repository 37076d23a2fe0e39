import { expect } from '@jest/globals'
import type { Backend } from '../../../src/core/backend.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup, LIMITS } from '../../kit/group-member.ts'

const SPEC = { partitions: 2, compact: false, retentionMs: null, retentionBytes: null }

/** All that a program does with a topic, on a broker or virtual host that has no other. */
export async function everything(backend: Backend, topic: string): Promise<void> {
  await backend.createTopic({ name: topic, ...SPEC })
  const records = [0, 1, 2].map((n) => ({ key: null, value: Buffer.from(`r${n}`), headers: [], timestamp: 0 }))
  await backend.append(topic, 1, records)
  const member = await joinGroup(backend, { group: 'g', topic, commit: true })
  await eventually(() => member.records.length === 3, { what: 'the records come' })
  await member.feed.close()
  const reader = await backend.openReader({ topic, ranges: [{ partition: 1, from: 1, to: 3 }], limits: LIMITS })
  expect((await reader.pull(1))?.map(({ value }) => String(value))).toEqual(['r1', 'r2'])
  await reader.close()
  await backend.resetGroup('g', topic, [0, 1])
  expect((await backend.describeGroup('g', topic)).positions.map(({ next }) => next)).toEqual([0, 1])
  expect(await backend.listTopics()).toEqual([topic])
  await backend.widenTopic(topic, 3)
  await backend.deleteGroup('g', topic)
  await backend.deleteTopic(topic)
  expect(await backend.listTopics()).toEqual([])
}
