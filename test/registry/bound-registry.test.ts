import { afterEach, expect, test } from '@jest/globals'
import { openBackend } from '../../src/backends/open.ts'
import type { Log } from '../../src/core/log.ts'
import { silentLog } from '../../src/core/log.ts'
import { defineTopic } from '../../src/index.ts'
import { type ConnectOptions, type OpenBroker, openBroker } from '../../src/open-broker.ts'
import { createCli, done } from '../cli/cli.ts'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { dialectError, json, openFaultServer } from './fault-server.ts'
import { serve } from './registries.ts'

const value = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] } as const
const orders = defineTopic({ name: 'orders', value, partitions: 1 })
const DIFFERS = { code: 'ERR_REGISTRY_DIFFERS' }

const ends: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of ends.splice(0).reverse()) await each[Symbol.asyncDispose]()
})
function kept<T extends AsyncDisposable>(opened: T): T {
  ends.push(opened)
  return opened
}
const store = () => `embedded:${tempDir()}`
const open = async (url: string, registry?: ConnectOptions['registry']) => kept(await openBroker(url, { registry }))

/** A registry of its own, over HTTP. */
async function elsewhere(): Promise<string> {
  return kept(await serve(await open(store()))).url
}

test('records-go-through-a-registry-elsewhere-and-none-is-kept-in-the-broker', async () => {
  const [url, registry] = [store(), await elsewhere()]
  const broker = await open(url, registry)
  await broker.declare(orders)
  await broker.declare(orders)
  await broker.producer(orders).send({ id: 'o-1' })
  const other = await open(url, { url: [registry, 'http://registry.invalid'] })
  expect((await collect(other.read(orders, { to: 'end' }))).map((message) => message.value)).toEqual([{ id: 'o-1' }])
  expect((await other.topic('orders')).value).toEqual(value)
  expect(await other.topics.list()).toEqual(['orders'])
})

test('another-registry-than-the-first-one-is-refused-whatever-is-asked', async () => {
  const [url, first, second] = [store(), await elsewhere(), await elsewhere()]
  const broker = await open(url, first)
  await broker.declare(orders)
  await broker.producer(orders).send({ id: 'o-1' })
  for (const wrong of [second, undefined, 'topic']) {
    const other = await open(url, wrong)
    const refusals: readonly (() => Promise<unknown>)[] = [
      () => other.declare(orders),
      () => other.topic('orders'),
      () => other.producer(orders).send({ id: 'o-2' }),
      () => other.subscribe(orders, { group: 'g' }, () => undefined),
      () => collect(other.read(orders, { to: 'end' })),
      () => other.registry.subjects(),
      () => other.registry.register('s', '"int"'),
    ]
    for (const refusal of refusals) await expect(refusal()).rejects.toMatchObject(DIFFERS)
    await expect(other.declare(orders)).rejects.toThrow(`connect with --registry ${first}`)
    // Bytes carry no id.
    expect(await collect(other.read(defineTopic({ name: 'orders', value: 'bytes' }), { to: 'end' }))).toHaveLength(1)
  }
  expect(await (await open(url, first)).registry.subjects()).toEqual(['orders-value'])
})

test('a-broker-that-kept-schemas-before-registries-were-noted-goes-on-with-those', async () => {
  const url = store()
  const backend = await openBackend(url, { log: silentLog })
  const spec = { partitions: 1, compact: false, retentionMs: null, retentionBytes: null }
  await backend.createTopic({ name: 'drawbridge.schemas', ...spec })
  const entry = { id: 4, subject: 'orders-value', version: 1, schema: JSON.stringify(value) }
  const record = { key: null, value: Buffer.from(JSON.stringify(entry)), headers: [], timestamp: 0 }
  await backend.append('drawbridge.schemas', 0, [record])
  await backend.close()
  await expect((await open(url, await elsewhere())).declare(orders)).rejects.toMatchObject(DIFFERS)
  const broker = await open(url)
  await broker.declare(orders)
  expect(await broker.registry.latest('orders-value')).toEqual(entry)
})

test('who-declares-first-at-the-same-time-wins-and-the-others-are-refused', async () => {
  const url = store()
  const registries = [await elsewhere(), await elsewhere(), undefined]
  const brokers = await Promise.all(registries.map((registry) => open(url, registry)))
  const results = await Promise.allSettled(brokers.map((broker) => broker.declare(orders)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(DIFFERS)
})

test('the-registry-of-a-broker-is-changed-on-purpose-alone', async () => {
  const cli = createCli()
  const [first, second] = [await elsewhere(), await elsewhere()]
  const push = (registry: string) => cli.run(['schemas', 'push', 'a.avsc', '--topic', 't', '--registry', registry])
  cli.file('a.avsc', JSON.stringify(value))
  await done(push(first.replace('//', '//ann:pass-word@')))
  const refused = await push(second)
  expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('`drawbridge schemas bind`')])
  expect(refused.stderr).toContain(`--registry ${first},`)
  await done(cli.run(['schemas', 'bind', '--registry', second]))
  await done(push(second))
  expect((await push(first)).stderr).toContain('error ERR_REGISTRY_DIFFERS')
}, 180_000)

test('a-registry-that-does-not-answer-sets-no-record-aside', async () => {
  let answers: 'nothing' | 'a refused login' | 'not found by a proxy' | 'well' = 'nothing'
  await using server = await openFaultServer((response, _n, { path }) => {
    if (answers === 'nothing') response.destroy()
    else if (answers === 'a refused login') dialectError(response, 401)
    else if (answers === 'not found by a proxy') response.writeHead(404).end('<html>')
    else json(response, 200, path.startsWith('/schemas/ids/') ? { schema: JSON.stringify(value) } : {})
  })
  const url = store()
  const backend = await openBackend(url, { log: silentLog })
  await backend.createTopic({ name: 'orders', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
  const framed = Buffer.from([0, 0, 0, 0, 9, 6, ...Buffer.from('o-1')])
  await backend.append('orders', 0, [{ key: null, value: framed, headers: [], timestamp: 0 }])
  await backend.close()

  const warned: string[] = []
  const log: Log = { ...silentLog, warn: (fields) => void warned.push(JSON.stringify(fields)) }
  const broker: OpenBroker = kept(await openBroker(url, { registry: server.url, log }))
  const handled: string[] = []
  const subscription = await broker.subscribe(orders, { group: 'g' }, (message) => void handled.push(message.value.id))
  for (const [next, sign] of [
    ['a refused login', 'cannot be reached'],
    ['not found by a proxy', 'refuses the login'],
    ['well', 'without an error code of the dialect'],
  ] as const) {
    await eventually(() => warned.some((line) => line.includes(sign)), {
      what: `a warning: ${sign}`,
      timeoutMs: 30_000,
    })
    expect(handled).toEqual([])
    answers = next
  }
  await eventually(() => handled.length === 1, { what: 'the record is handled', timeoutMs: 30_000 })
  expect(handled).toEqual(['o-1'])
  await subscription.stop()
  expect(await broker.topics.list()).toEqual(['orders'])
})
