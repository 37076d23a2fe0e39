import { afterAll, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../../src/backends/open.ts'
import { connect, defineTopic } from '../../../../src/index.ts'
import { eventually } from '../../../kit/eventually.ts'
import { joinGroup } from '../../../kit/group-member.ts'
import { runProcess } from '../../../kit/process.ts'
import { testUnless } from '../../../kit/skip.ts'
import { keepingLog, secureKafka, secureMissing } from './secure.ts'

const closing: (() => Promise<void>)[] = []
afterAll(() => Promise.all(closing.map((close) => close())))

async function open(log = keepingLog()) {
  const backend = await openBackend(`kafka://${secureKafka().host('CLIENT')}`, { log, create: false })
  closing.push(() => backend.close())
  return { backend, log }
}

function spec(name: string, partitions = 1) {
  return { name, partitions, compact: false, retentionMs: null, retentionBytes: null }
}

function newName(): string {
  return `locked-${randomBytes(4).toString('hex')}`
}

async function createdByAdmin(name: string, partitions: number): Promise<void> {
  const admin = await openBackend(`kafka://${secureKafka().host('CLIENT')}`, { log: keepingLog() })
  await admin.createTopic(spec(name, partitions))
  await admin.close()
}

testUnless(secureMissing, 'without-creation-a-missing-topic-says-what-an-administrator-runs', async () => {
  const { backend } = await open()
  const name = newName()
  await expect(backend.createTopic(spec(name, 3))).rejects.toMatchObject({
    code: 'ERR_TOPIC_UNKNOWN',
    message: expect.stringMatching(
      new RegExp(
        `kafka-topics.sh --bootstrap-server 127.0.0.1:\\d+ --create --topic ${name} --partitions 3 --config cleanup.policy=delete`,
      ),
    ),
  })
  expect(await backend.listTopics()).not.toContain(name)
  await createdByAdmin(name, 3)
  await backend.createTopic(spec(name, 3))
  await expect(backend.createTopic(spec(name, 4))).rejects.toMatchObject({ code: 'ERR_TOPIC_DIFFERS' })
})

testUnless(secureMissing, 'without-creation-a-group-works-and-hears-what-it-lacks', async () => {
  const name = newName()
  await createdByAdmin(name, 1)
  const { backend, log } = await open()
  await backend.append(name, 0, [{ key: null, value: Buffer.from('x'), headers: [], timestamp: 1 }])
  const before = await backend.listTopics()
  const member = await joinGroup(backend, { group: 'g', topic: name, commit: true })
  await eventually(async () => (await backend.describeGroup('g', name)).positions[0]?.lag === 0, { what: 'a commit' })
  await member.feed.close()
  // Other tests make topics of theirs at the same time.
  const ours = (topics: readonly string[]) => topics.filter((each) => each.startsWith(name))
  expect(ours(await backend.listTopics())).toEqual(ours(before))
  expect(log.text()).toContain(`--create --topic ${name}.g.dead --partitions 1`)
  if (!before.includes('drawbridge.groups')) {
    expect(log.text()).toContain('--create --topic drawbridge.groups --partitions 1 --config cleanup.policy=compact')
  }
})

testUnless(secureMissing, 'without-creation-declaring-names-the-topic-of-the-schemas', async () => {
  const url = `kafka://${secureKafka().host('CLIENT')}`
  await using broker = await connect(url, { create: false })
  const topic = defineTopic({ name: newName(), value: { type: 'string' } as const })
  const error: unknown = await broker.declare(topic).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'ERR_TOPIC_UNKNOWN', message: expect.stringContaining('kafka-topics.sh') })
  const schema = ['--schema', 'schemas/shop/order-placed.avsc']
  const args = ['--broker', url, '--no-create', 'topics', 'create', newName(), ...schema]
  expect(await runProcess('src/cli/main.ts', { args })).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('kafka-topics.sh'),
  })
})
