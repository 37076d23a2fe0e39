import { join } from 'node:path'
import { openBackend } from '../../../src/backends/open.ts'
import { silentLog } from '../../../src/core/log.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { KAFKA_KEYS } from './keys.ts'
import { appendUntilExpired } from './fill.ts'
import type { BackendUnderTest, ForeignRecord, PartitionOfTopic } from '../under-test.ts'

export const embedded: BackendUnderTest = {
  name: 'embedded',
  variable: null,
  createUrl: () => `embedded:${join(tempDir(), 'store')}`,
  skip: [
    'unknown outcomes: an-answer-lost-on-the-way-leaves-a-record-stored-once',
    'unknown outcomes: a-request-lost-on-the-way-does-not-spoil-the-next-append',
    'unknown outcomes: acknowledged-survives-connections-that-break-again-and-again',
    'broken connections: a-member-goes-on-after-its-connection-broke',
    'broken connections: what-core-acknowledged-is-handled-though-connections-break',
  ].map((test) => ({
    test: `contract ${test}`,
    reason: 'a store has no connection that could fail',
  })),
  hooks: {
    keys: KAFKA_KEYS,
    expire: appendUntilExpired,
    foreign,
    async gaps(place) {
      // Only compaction makes gaps here, which a scenario of its own has; this one holds all the same.
      const seen = await foreign(place)
      return seen.flatMap(({ value }) => (value === null ? [] : [value]))
    },
    interrupt: () => Promise.reject(new Error('a store has no connection to interrupt')),
  },
}

/** Every client of a store is ours, so the odd bytes come through the contract. */
async function foreign({ url, topic, partition }: PartitionOfTopic): Promise<readonly ForeignRecord[]> {
  const backend = await openBackend(url, { log: silentLog })
  const records = [
    { key: null, value: Buffer.alloc(0), headers: [] },
    { key: Buffer.from([0xff, 0xfe]), value: Buffer.from('not avro'), headers: [['', null] as const] },
    { key: Buffer.alloc(0), value: null, headers: [['n', Buffer.from([0xff])] as const] },
    { key: Buffer.from('k'), value: Buffer.from([0, 0, 0, 0xff, 0xff, 1]), headers: [['a', Buffer.alloc(0)] as const] },
    { key: null, value: Buffer.from([1, 2, 3]), headers: [] },
  ]
  await backend.append(
    topic,
    partition,
    records.map((record) => ({ ...record, timestamp: 1_700_000_000_000 })),
  )
  await backend.close()
  return records
}
