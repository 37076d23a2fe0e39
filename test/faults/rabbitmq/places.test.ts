import { describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import type { Backend } from '../../../src/core/backend.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup, LIMITS } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { atEnd, changed, deleteByManagement, missing, openLogged, putByManagement, shared } from './broker.ts'

const SPEC = { partitions: 2, compact: false, retentionMs: null, retentionBytes: null }
const unique = (prefix: string) => `${prefix}-${randomBytes(4).toString('hex')}`

/** A virtual host on which nothing was ever declared; its name needs encoding in URLs. */
async function createVirtualHost(): Promise<string> {
  const name = unique('v/host é')
  await putByManagement(`/vhosts/${encodeURIComponent(name)}`, {})
  atEnd(() => deleteByManagement(`/vhosts/${encodeURIComponent(name)}`))
  await putByManagement(`/permissions/${encodeURIComponent(name)}/guest`, { configure: '.*', write: '.*', read: '.*' })
  return name
}

/** All that a program does with a topic. */
async function everything(backend: Backend, topic: string): Promise<void> {
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

describe('places of RabbitMQ', () => {
  testUnless(missing, 'a-virtual-host-over-TLS-as-a-user-of-few-rights-is-all-that-is-needed', async () => {
    const [vhost, user, topic] = [await createVirtualHost(), unique('user'), unique('shop')]
    await putByManagement(`/users/${user}`, { password: 'pw', tags: 'monitoring' })
    atEnd(() => deleteByManagement(`/users/${user}`))
    const own = `^(drawbridge|${topic}).*`
    const rights = { configure: own, write: own, read: own }
    await putByManagement(`/permissions/${encodeURIComponent(vhost)}/${user}`, rights)
    const login = { username: user, password: 'pw', pathname: `/${encodeURIComponent(vhost)}` }
    await everything(await openLogged(changed(shared.tlsUrl, login)), topic)
  })

  testUnless(missing, 'many-that-come-first-at-once-disturb-each-other-in-nothing', async () => {
    const address = changed(shared.url, { pathname: `/${encodeURIComponent(await createVirtualHost())}` })
    const backends = await Promise.all(Array.from({ length: 8 }, () => openLogged(address)))
    const [same, own] = [unique('same'), unique('own')]
    await Promise.all(
      backends.map(async (backend, index) => {
        await Promise.all([
          backend.createTopic({ name: same, ...SPEC }),
          backend.createTopic({ name: `${own}-${index}`, ...SPEC }),
        ])
        // What was just created can be read, written and joined at once, also by whoever did not create it.
        const record = { key: null, value: Buffer.from(`r${index}`), headers: [], timestamp: 0 }
        const member = await joinGroup(backend, { group: `g-${index}`, topic: same })
        await backend.append(same, index % 2, [record])
        await eventually(() => member.records.length > 0, { what: 'a record comes', timeoutMs: 30_000 })
        await member.feed.close()
      }),
    )
    const later = await joinGroup(await openLogged(address), { group: 'later', topic: same })
    const all = Array.from({ length: 8 }, (_, index) => `r${index}`)
    await eventually(() => later.records.length >= 8, { what: 'every record comes' })
    expect(later.values().toSorted()).toEqual(all)
    expect(await backends[1]?.listTopics()).toHaveLength(9)
  })
})
