import { expect } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../../src/backends/open.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { runProcess } from '../../../kit/process.ts'
import { testUnless } from '../../../kit/skip.ts'

const url = process.env['KAFKA_URL'] ?? ''
const three = process.env['KAFKA3_URL'] ?? ''
const required = requiredBackends(process.env).includes('kafka')
const missing = url === '' && !required ? 'KAFKA_URL is not set' : undefined
const missingThree =
  three === '' ? 'KAFKA3_URL is not set; `npm run brokers -- up kafka3` starts three nodes' : undefined

async function foreignTopic(at: string, settings: Readonly<Record<string, string>>): Promise<string> {
  const topic = `risky-${randomBytes(4).toString('hex')}`
  const admin = new Kafka({ brokers: at.replace('kafka://', '').split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, configEntries }] })
  await admin.disconnect()
  return topic
}

async function risksOf(at: string, topic: string): Promise<string> {
  const backend = await openBackend(at, { log: silentLog })
  try {
    // Others make topics meanwhile, so names may stand behind "more".
    const risks = (await backend.findRisks?.()) ?? []
    const { configs } = await backend.describeTopic(topic)
    return JSON.stringify({ risks, configs })
  } finally {
    await backend.close()
  }
}

testUnless(missing, 'a-topic-we-make-has-the-brokers-times-and-shows-its-settings', async () => {
  const backend = await openBackend(url, { log: silentLog })
  const name = `configs-${randomBytes(4).toString('hex')}`
  await backend.createTopic({ name, partitions: 1, compact: true, retentionMs: 60_000, retentionBytes: null })
  expect((await backend.describeTopic(name)).configs).toMatchObject({
    'cleanup.policy': 'compact',
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': '1',
    'replication.factor': '1',
    'retention.ms': '60000',
  })
  await backend.close()
})

testUnless(missing, 'doctor-warns-of-one-copy-unclean-leaders-and-senders-times', async () => {
  const topic = await foreignTopic(url, { 'unclean.leader.election.enable': 'true' })
  const risks = await risksOf(url, topic)
  expect(risks).toContain('"message.timestamp.type":"CreateTime"')
  for (const said of ['one copy only', 'unclean leader election', 'CreateTime']) expect(risks).toContain(said)
  const { stdout, stderr, code } = await runProcess('src/cli/main.ts', { args: ['--broker', url, 'doctor'] })
  expect(code).toBe(0)
  // kafkajs issue 1751: a timer of a negative time, and every one starts the next.
  expect(stderr).not.toContain('TimeoutNegativeWarning')
  expect(stdout).toMatch(/warn {2}topics {4}\d+ topics? \(.*one copy only/)
})

testUnless(missingThree, 'on-three-nodes-two-copies-acknowledge-and-doctor-warns-where-one-would-do', async () => {
  const backend = await openBackend(three, { log: silentLog })
  const name = `configs-${randomBytes(4).toString('hex')}`
  await backend.createTopic({ name, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
  const { configs } = await backend.describeTopic(name)
  expect(configs).toMatchObject({ 'min.insync.replicas': '2', 'replication.factor': '3' })
  await backend.close()
  const topic = await foreignTopic(three, { 'min.insync.replicas': '1' })
  expect(await risksOf(three, topic)).toContain('min.insync.replicas below 2')
})
