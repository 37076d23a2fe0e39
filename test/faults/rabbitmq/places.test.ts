import { describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { createConnections } from '../../../src/backends/rabbitmq/connections.ts'
import { parseRabbitmqUrl } from '../../../src/backends/rabbitmq/url.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { testUnless } from '../../kit/skip.ts'
import { atEnd, changed, deleteByManagement, missing, openLogged, putByManagement, shared } from './broker.ts'
import { everything } from './everything.ts'
import { openNetwork } from './run.ts'

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

  testUnless(missing, 'a-node-that-is-away-is-passed-over-for-the-next-one-of-the-url', async () => {
    const { port, searchParams } = new URL(shared.url)
    const [stream, management] = [searchParams.get('stream'), searchParams.get('management')]
    const vhost = encodeURIComponent(await createVirtualHost())
    const hosts = `127.0.0.1:1,127.0.0.1:${port}`
    const address = `amqp://guest:guest@${hosts}/${vhost}?stream=1,${stream}&management=1,${management}`
    await everything(await openLogged(address), unique('nodes'))
  })

  testUnless(missing, 'a-node-that-is-silent-is-passed-over-and-what-it-answers-after-all-is-closed', async () => {
    const network = await openNetwork(shared.url)
    atEnd(() => network.close())
    const both = (part: (url: URL) => string | null) =>
      [network.url, shared.url].map((url) => part(new URL(url))).join()
    const hosts = both((url) => url.host)
    const target = parseRabbitmqUrl(
      `amqp://guest:guest@${hosts}/?stream=${both((url) => url.searchParams.get('stream'))}`,
    )
    const connections = [createConnections(target), createConnections(target)] as const
    atEnd(() => Promise.all(connections.map((each) => each.close())))
    network.set('stall')
    const opened = await connections[0].openStreams('second node')
    let isDone = false
    await connections[1].withAmqp(async () => void (isDone = true))
    expect(isDone).toBe(true)
    expect(network.connections()).toBe(2)
    network.set('pass')
    await eventually(() => network.connections() === 0, { what: 'what came too late is closed' })
    expect(opened.failure).toBeUndefined()
    await opened.close()
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
