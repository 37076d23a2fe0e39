import { afterAll, describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../src/backends/open.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { type Log, silentLog } from '../../../src/core/log.ts'
import { openTcpProxy } from '../../kit/tcp-proxy.ts'
import { testUnless } from '../../kit/skip.ts'

const { RABBITMQ_URL: url = '', RABBITMQ_STREAM_URL: streamUrl = '' } = process.env
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('rabbitmq')
const isMissing = url === '' || streamUrl === ''
const missing = isMissing && !required ? 'RABBITMQ_URL and RABBITMQ_STREAM_URL name no broker' : undefined
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  await Promise.allSettled(closers.splice(0).map((close) => close()))
})

async function open(address: string, log: Log = silentLog): Promise<Backend> {
  const backend = await openBackend(address, { log })
  closers.push(() => backend.close())
  return backend
}

describe('RabbitMQ in trouble', () => {
  testUnless(missing, 'appends-over-cut-connections-are-stored-once-and-in-order', async () => {
    const proxy = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(streamUrl).port) })
    closers.push(() => proxy.close())
    const through = new URL(url)
    through.searchParams.set('stream', String(proxy.port))
    let losses = 0
    const [backend, direct] = [await open(through.href, { ...silentLog, warn: () => void losses++ }), await open(url)]
    const topic = `cuts-${randomBytes(4).toString('hex')}`
    await direct.createTopic({ name: topic, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const sent: string[] = []
    for (let n = 0; n < 400; n++) {
      const values = Array.from({ length: 50 }, (_, index) => `${n}-${index}`)
      const records = values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: 0 }))
      const appending = backend.append(topic, 0, records)
      // The append before was confirmed, so there is a connection to cut, with this one under way on it.
      if (n % 20 === 10) proxy.cut()
      await appending
      sent.push(...values)
    }
    expect(losses).toBeGreaterThan(10)
    const to = (await direct.describeTopic(topic)).ranges[0]?.end ?? 0
    const limits = { maxRecords: 1_000, maxBytes: 1e6 }
    const reader = await direct.openReader({ topic, ranges: [{ partition: 0, from: 0, to }], limits })
    const stored: string[] = []
    for (let batch = await reader.pull(0); batch !== null; batch = await reader.pull(0))
      stored.push(...batch.map(({ value }) => String(value)))
    await reader.close()
    expect(stored).toEqual(sent)
    await direct.deleteTopic(topic)
  })
})
