import { expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { produce } from '../../../../src/backends/kafka/calls-log.ts'
import { createCluster } from '../../../../src/backends/kafka/cluster.ts'
import { MAX_UNPACKED_BYTES } from '../../../../src/backends/unpack.ts'
import { UNREADABLE } from '../../../../src/backends/kafka/decode-batch.ts'
import { compressBatch, encodeBatch } from '../../../../src/backends/kafka/encode-batch.ts'
import { readSettings } from '../../../../src/backends/kafka/settings.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { connect, defineTopic } from '../../../../src/index.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { eventually } from '../../../kit/eventually.ts'
import { testUnless } from '../../../kit/skip.ts'

const url = process.env['KAFKA_URL'] ?? ''
const missing = url === '' && !requiredBackends(process.env).includes('kafka') ? 'KAFKA_URL is not set' : undefined
const NOBODY = { id: -1n, epoch: -1 }

/** As another client may: Kafka's limit is on what is sent, not on what it unpacks to. */
async function appendCompressed(topic: string, values: readonly Buffer[]): Promise<void> {
  const cluster = createCluster(await readSettings(url), silentLog)
  try {
    const node = await cluster.leaderOf(topic, 0)
    const records = values.map((value) => ({ key: null, value, headers: [], timestamp: 1 }))
    const bytes = await compressBatch(encodeBatch(records, NOBODY, -1), 'zstd')
    const [answer] = await cluster.toNode(node, 'main', produce([{ topic, partition: 0, bytes }], 20_000))
    expect(answer).toMatchObject({ error: 0 })
  } finally {
    cluster.close()
  }
}

testUnless(missing, 'what-is-too-large-to-unpack-or-to-be-ours-is-a-letter-and-stops-nothing', async () => {
  await using broker = await connect(url)
  const name = `oversized-${randomBytes(4).toString('hex')}`
  const topic = defineTopic({ name, value: { type: 'string' } as const, partitions: 1 })
  await broker.declare(topic)
  const producer = broker.producer(topic)
  await producer.send('before')
  await appendCompressed(name, [Buffer.alloc(20_000_000, 0xee)])
  await appendCompressed(name, [Buffer.from('two records'), Buffer.alloc(MAX_UNPACKED_BYTES, 0xee)])
  await producer.send('behind')

  const seen: string[] = []
  await using subscription = await broker.subscribe(topic, { group: 'g' }, ({ value }) => void seen.push(value))
  await eventually(() => seen.length === 2, { what: 'both good records', timeoutMs: 60_000 })
  expect(seen).toEqual(['before', 'behind'])
  await subscription.stop()

  const letters = []
  for await (const letter of broker.read(await broker.topic(`${name}.g.dead`), { to: 'end' })) letters.push(letter)
  expect(letters).toHaveLength(2)
  const [large, packed] = letters.map(({ value }) => value as Buffer)
  expect(large?.equals(Buffer.alloc(20_000_000, 0xee))).toBe(true)
  // One for the whole batch, which is kept as it was.
  expect(packed?.length).toBeLessThan(100_000)
  const why = letters[1]?.headers.find(([header]) => header === UNREADABLE)?.[1]?.toString()
  expect(why).toMatch(/^zstd: /)
  expect((await broker.groups.describe('g', name)).positions[0]).toMatchObject({ lag: 0 })
})
