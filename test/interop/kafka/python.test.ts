import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { findPython } from './python.ts'
import { bootstrap, createTopic, mayLackTools, newName, noKafka, openKafkaBackend, textRecord } from './topics.ts'

const python = noKafka ?? (await findPython())
const reason = typeof python === 'string' && mayLackTools ? python : undefined

async function consume(topic: string, group: string, count: number): Promise<unknown[]> {
  if (typeof python === 'string') throw new Error(python)
  const text = await python.run('consume.py', [bootstrap, topic, group, String(count)])
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

testUnless(reason, 'a-python-consumer-goes-on-where-our-group-stopped-and-we-where-it-stopped', async () => {
  const backend = await openKafkaBackend()
  const [topic, group] = [await createTopic('python', 1), newName('group')]
  await backend.append(
    topic,
    0,
    ['a', 'b', 'c', 'd', 'e', 'f'].map((text) => textRecord(text, `k-${text}`)),
  )
  const first = await joinGroup(backend, { group, topic })
  await eventually(() => first.records.length === 6, { what: 'our member has read everything' })
  await first.feed.commit(0, 2)
  await first.feed.close()
  expect(await consume(topic, group, 2)).toEqual([
    [0, 2, 'k-c', 'c'],
    [0, 3, 'k-d', 'd'],
  ])
  const second = await joinGroup(backend, { group, topic })
  await eventually(() => second.records.length === 2, { what: 'our second member goes on' })
  expect(second.values()).toEqual(['e', 'f'])
  expect(second.assignments.map(({ lost }) => lost)).toEqual([undefined])
  await second.feed.close()
})
