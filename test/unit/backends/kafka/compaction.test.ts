import { expect } from '@jest/globals'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../../src/backends/open.ts'
import type { StoredRecord } from '../../../../src/core/record.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { eventually } from '../../../kit/eventually.ts'
import { joinGroup } from '../../../kit/group-member.ts'
import { testUnless } from '../../../kit/skip.ts'

const url = process.env['KAFKA_URL'] ?? ''
const missing = url === '' && !requiredBackends(process.env).includes('kafka') ? 'KAFKA_URL is not set' : undefined
/** Compacts whatever is not in the segment that is being written, as soon as it may. */
const EAGER = { 'segment.ms': '200', 'min.cleanable.dirty.ratio': '0.001', 'delete.retention.ms': '0' }

async function compactEagerly(topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [url.replace('kafka://', '')], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const entries = { ...EAGER, 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' }
  const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  })
  await admin.disconnect()
}

testUnless(missing, 'a-compacted-topic-keeps-the-newest-of-each-key-and-groups-pass-its-gaps', async () => {
  const backend = await openBackend(url, { log: silentLog })
  const topic = `compacted-${randomBytes(4).toString('hex')}`
  const record = (key: string, value: string | null) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp: 1,
  })
  const readAll = async () => {
    const [{ first, end } = { first: 0, end: 0 }] = (await backend.describeTopic(topic)).ranges
    const limits = { maxRecords: 7, maxBytes: 1_000_000 }
    const reader = await backend.openReader({ topic, ranges: [{ partition: 0, from: first, to: end }], limits })
    const found: StoredRecord[] = []
    for (let some = await reader.pull(0); some !== null; some = await reader.pull(0)) found.push(...some)
    await reader.close()
    return found
  }
  try {
    await backend.createTopic({ name: topic, partitions: 1, compact: true, retentionMs: null, retentionBytes: null })
    await compactEagerly(topic)
    // Whole batches vanish, and half of the last one does.
    for (let round = 0; round < 20; round++) {
      await backend.append(topic, 0, [record('a', `a${round}`), record('b', `b${round}`), record(`only-${round}`, 'x')])
    }
    await backend.append(topic, 0, [record('b', null)])
    let rolled = 0
    const compacted = await eventually(
      async () => {
        // A segment is closed by the first append after its time.
        await backend.append(topic, 0, [record('roll', String(rolled++))])
        const found = await readAll()
        return found.filter(({ key }) => String(key) === 'a').length === 1 ? found : undefined
      },
      { what: 'the compaction of all but the newest a', timeoutMs: 50_000, intervalMs: 300 },
    )
    const ofKey = (name: string) => compacted.filter(({ key }) => String(key) === name)
    expect(ofKey('a').map(({ value, offset }) => [String(value), offset])).toEqual([['a19', 57]])
    expect(ofKey('b').every(({ value }) => value === null)).toBe(true)
    for (let round = 0; round < 20; round++) expect(ofKey(`only-${round}`)).toHaveLength(1)
    const offsets = compacted.map(({ offset }) => offset)
    expect(offsets).toEqual(offsets.toSorted((x, y) => x - y))

    const member = await joinGroup(backend, { group: topic, topic, commit: true })
    const lag = async () => (await backend.describeGroup(topic, topic)).positions[0]?.lag
    await eventually(async () => (await lag()) === 0, { what: 'a group to come to the end' })
    expect(member.breaches).toEqual([])
  } finally {
    await backend.close()
  }
})
