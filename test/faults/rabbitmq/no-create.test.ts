import { describe, expect } from '@jest/globals'
import { connect, defineTopic } from '../../../src/index.ts'
import { openBackend } from '../../../src/backends/open.ts'
import { runRabbitmqctl } from '../../brokers/rabbitmq.ts'
import { readState } from '../../brokers/state.ts'
import { eventually } from '../../kit/eventually.ts'
import { runProcess } from '../../kit/process.ts'
import { testUnless } from '../../kit/skip.ts'
import { atEnd, createUser, log, logged, missing, mistake, openLogged, shared, unique } from './broker.ts'

const KEPT = { compact: false, retentionMs: null, retentionBytes: null }
/** RabbitMQ's own programs run on the node. */
const node = readState('rabbitmq')?.nodes[0]
const notOurs =
  missing ?? (node === undefined ? 'RABBITMQ_URL names a broker that this clone has not started' : undefined)

/** A user who may make nothing, and on streams what the README of the driver says that a producer and a consumer need. */
async function userOf(topic: string, declares = false): Promise<string> {
  const ours = `${topic}(\\.g\\.dead)?-\\d+`
  const write = declares ? `^(${ours}|drawbridge\\.schemas-0)$` : `^${ours}$`
  return createUser({ configure: '^$', write, read: `^(${ours}|drawbridge\\.(schemas|replays)-0)$` })
}

async function openWithout(topic: string) {
  const backend = await openBackend(await userOf(topic), { log, create: false })
  atEnd(() => backend.close())
  return backend
}

describe('RabbitMQ whose topics others make', () => {
  testUnless(notOurs, 'without-creation-a-missing-topic-says-what-an-administrator-runs', async () => {
    const name = unique('locked')
    const backend = await openWithout(name)
    const { code, text } = await mistake(backend.createTopic({ name, partitions: 3, ...KEPT }))
    expect(code).toBe('ERR_TOPIC_UNKNOWN')
    const [, command = ''] = /an administrator does: rabbitmq-streams (.*)/.exec(text) ?? []
    expect(command).toBe(`add_super_stream ${name} --partitions 3`)
    if (node === undefined) throw new Error('no node')
    await runRabbitmqctl(node, command.split(' '), 'rabbitmq-streams')
    await backend.createTopic({ name, partitions: 3, ...KEPT })
    const other = await mistake(backend.createTopic({ name, partitions: 4, ...KEPT }))
    expect(other.code).toBe('ERR_TOPIC_DIFFERS')
    const compact = await mistake(
      backend.createTopic({ ...KEPT, name: unique('compact'), partitions: 1, compact: true }),
    )
    expect(compact.code).toBe('ERR_UNSUPPORTED')
    const kept = await mistake(
      backend.createTopic({ ...KEPT, name: `${name}-kept`, partitions: 2, retentionMs: 60_000, retentionBytes: 5_000 }),
    )
    expect(kept.text).toContain(
      `drawbridge topics create ${name}-kept --schema FILE --partitions 2 --retention-ms 60000 --retention-bytes 5000`,
    )
  })

  testUnless(missing, 'without-creation-and-its-rights-topics-are-used-and-letters-written', async () => {
    const name = unique('locked')
    const topic = defineTopic({ name, value: { type: 'string' } as const })
    const url = await userOf(name)
    const direct = await openLogged(shared.url)
    const refused = await mistake((await connect(await userOf(name, true), { create: false })).declare(topic))
    expect(refused.text).toMatch(/an administrator does: rabbitmq-streams add_super_stream \S+ --partitions 1/)
    await using admin = await connect(shared.url)
    await admin.declare(topic)
    await direct.createTopic({ name: `${name}.g.dead`, partitions: 1, ...KEPT })
    // Other tests make topics of theirs at the same time.
    const ours = async () => (await direct.listTopics()).filter((each) => each.startsWith(name))
    const before = await ours()
    await using broker = await connect(url, { create: false })
    await broker.declare(topic)
    await broker.producer(topic).send('one')
    const subscription = await broker.subscribe(topic, { group: 'g', retry: { attempts: 1 } }, () => {
      throw new Error('never')
    })
    await eventually(async () => (await direct.describeTopic(`${name}.g.dead`)).ranges[0]?.end === 1, {
      what: 'the letter is written',
    })
    await eventually(async () => (await broker.groups.describe('g', topic)).positions[0]?.lag === 0, {
      what: 'a commit',
    })
    await subscription.stop()
    expect(await ours()).toEqual(before)
  })

  testUnless(missing, 'without-creation-a-group-hears-what-it-lacks', async () => {
    const name = unique('locked')
    await (await openLogged(shared.url)).createTopic({ name, partitions: 1, ...KEPT })
    const backend = await openWithout(name)
    const quiet = { onAssign() {}, onRevoke: async () => undefined, onLost() {}, onFailed() {} }
    const limits = { maxRecords: 1, maxBytes: 1_000 }
    const feed = await backend.openFeed({ group: 'g', topic: name, from: 'earliest', limits, ...quiet })
    await feed.close()
    expect(logged.join('\n')).toContain(`rabbitmq-streams add_super_stream ${name}.g.dead --partitions 1`)
  })

  testUnless(missing, 'without-creation-the-command-line-says-it-too', async () => {
    const name = unique('locked')
    const args = ['--broker', await userOf(name, true), '--no-create', 'topics', 'create', name]
    const { code, stderr } = await runProcess('src/cli/main.ts', {
      args: [...args, '--schema', 'schemas/shop/order-placed.avsc'],
    })
    expect(code).toBe(64)
    expect(stderr).toContain('rabbitmq-streams add_super_stream')
  })
})
