import { expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { connect, defineTopic } from '../../../../src/index.ts'
import { eventually } from '../../../kit/eventually.ts'
import { testUnless } from '../../../kit/skip.ts'
import { type Right, keepingLog, secureKafka, secureMissing } from './secure.ts'

/** The rights that src/backends/kafka/README.md lists, and no others. */
testUnless(secureMissing, 'the-rights-of-the-readme-suffice-to-produce-consume-and-set-aside', async () => {
  const { host, ca, passwords, allow } = secureKafka()
  const name = `rights-${randomBytes(4).toString('hex')}`
  const topic = defineTopic({ name, value: { type: 'string' } as const, partitions: 2 })
  await using admin = await connect(`kafka://${host('CLIENT')}`)
  await admin.declare(topic)
  // Makes drawbridge.groups, where this is the broker's first group.
  await using first = await admin.subscribe(topic, { group: 'first' }, () => undefined)
  await first.stop()
  const log = keepingLog()
  const url = `kafka+ssl://clerk:${passwords.clerk}@${host('LOGIN')}?${ca}`

  const schemas: readonly Right[] = [
    ['TOPIC', 'drawbridge.schemas', 'READ'],
    ['TOPIC', 'drawbridge.schemas', 'DESCRIBE_CONFIGS'],
  ]
  const settings: Right = ['TOPIC', name, 'DESCRIBE_CONFIGS']
  await allow('clerk', [...schemas, settings, ['TOPIC', name, 'WRITE']])
  await eventually(
    async () => {
      await using broker = await connect(url, { log })
      await broker.producer(topic).send('a')
      await broker.producer(topic).send('refuse this')
      return true
    },
    { what: 'a producer with its rights' },
  )

  const letters = `${name}.g.dead`
  await allow('clerk', [
    ...schemas,
    settings,
    ['TOPIC', name, 'READ'],
    ['GROUP', 'g', 'READ'],
    ['TOPIC', 'drawbridge.groups', 'READ'],
    ['TOPIC', 'drawbridge.groups', 'WRITE'],
    ['TOPIC', 'drawbridge.groups', 'DESCRIBE_CONFIGS'],
    ['TOPIC', 'drawbridge.replays', 'READ'],
    ['TOPIC', 'drawbridge.replays', 'DESCRIBE_CONFIGS'],
    ['TOPIC', letters, 'CREATE'],
    ['TOPIC', letters, 'WRITE'],
    ['TOPIC', letters, 'DESCRIBE_CONFIGS'],
    ['CLUSTER', 'kafka-cluster', 'DESCRIBE_CONFIGS'],
  ])
  const seen = new Set<string>()
  await using broker = await connect(url, { log })
  await using subscription = await broker.subscribe(topic, { group: 'g', retry: { attempts: 1 } }, ({ value }) => {
    seen.add(value)
    if (value === 'refuse this') throw new Error('refused')
  })
  const lag = async () => (await admin.groups.describe('g', topic)).positions.reduce((sum, each) => sum + each.lag, 0)
  await eventually(async () => seen.size === 2 && (await lag()) === 0, { what: 'all records handled and committed' })
  await subscription.stop()
  expect((await admin.topics.list()).includes(letters)).toBe(true)
  expect(log.text()).not.toContain('AUTHORIZATION_FAILED')
})
