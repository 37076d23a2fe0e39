import { afterEach, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../../src/backends/open.ts'
import type { Backend } from '../../../../src/core/backend.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { eventually } from '../../../kit/eventually.ts'
import { joinGroup } from '../../../kit/group-member.ts'
import { testUnless } from '../../../kit/skip.ts'

const url = process.env['KAFKA_URL'] ?? ''
const missing = url === '' && !requiredBackends(process.env).includes('kafka') ? 'KAFKA_URL is not set' : undefined
const open: Backend[] = []
afterEach(() => Promise.all(open.splice(0).map((backend) => backend.close())))

async function openAs(instance: string): Promise<Backend> {
  const backend = await openBackend(`${url}?instance=${instance}`, { log: silentLog })
  open.push(backend)
  return backend
}

async function newTopic(backend: Backend): Promise<string> {
  const name = `static-${randomBytes(4).toString('hex')}`
  await backend.createTopic({ name, partitions: 4, compact: false, retentionMs: null, retentionBytes: null })
  return name
}

testUnless(missing, 'a-static-member-that-comes-again-goes-on-with-its-partitions-and-disturbs-nobody', async () => {
  const first = await openAs('one')
  const topic = await newTopic(first)
  const options = { group: topic, topic, commit: true }
  const one = await joinGroup(first, options)
  const two = await joinGroup(await openAs('two'), options)
  await eventually(() => one.held().length === 2 && two.held().length === 2, { what: 'two partitions each' })
  const held = one.held()
  const [partition = -1] = held
  const record = (text: string) => ({ key: null, value: Buffer.from(text), headers: [], timestamp: 1 })
  await first.append(topic, partition, [record('before')])
  const lag = async () => (await first.describeGroup(topic, topic)).positions[partition]?.lag
  await eventually(async () => (await lag()) === 0, { what: 'the commit of what came before' })
  const told = two.assignments.length
  await one.feed.close()

  const again = await openAs('one')
  await again.append(topic, partition, [record('meanwhile')])
  const back = await joinGroup(again, options)
  await eventually(() => back.values(partition).length === 1, { what: 'what came meanwhile' })
  expect(back.values(partition)).toEqual(['meanwhile'])
  expect(back.held()).toEqual(held)
  expect([two.revoked, two.lost, two.failures]).toEqual([[], [], []])
  expect(two.assignments).toHaveLength(told)
  expect([...one.breaches, ...two.breaches, ...back.breaches]).toEqual([])
})

testUnless(missing, 'of-two-processes-of-one-name-the-later-wins-and-the-other-hears-why', async () => {
  const first = await openAs('same')
  const topic = await newTopic(first)
  const one = await joinGroup(first, { group: topic, topic })
  await eventually(() => one.held().length === 4, { what: 'all partitions' })
  const two = await joinGroup(await openAs('same'), { group: topic, topic })
  await eventually(() => two.held().length === 4, { what: 'the later one to have all' })
  await eventually(() => one.failures.length > 0, { what: 'the earlier one to hear of it' })
  expect(one.failures[0]).toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('instance=') })
  expect(one.held()).toEqual([])
  expect([...one.breaches, ...two.breaches]).toEqual([])
})

testUnless(missing, 'one-process-may-join-a-group-twice', async () => {
  const backend = await openAs('both')
  const topic = await newTopic(backend)
  const one = await joinGroup(backend, { group: topic, topic })
  const two = await joinGroup(backend, { group: topic, topic })
  await eventually(() => one.held().length === 2 && two.held().length === 2, { what: 'two partitions each' })
  expect([...one.failures, ...two.failures]).toEqual([])
})
