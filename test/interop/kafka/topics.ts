import { afterAll } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../src/backends/open.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { silentLog } from '../../../src/core/log.ts'
import type { NewRecord, StoredRecord } from '../../../src/core/record.ts'

/** The broker that KAFKA_URL names. */
export const kafkaUrl = process.env['KAFKA_URL'] ?? ''
/** As other clients are told of it: host:port,… */
export const bootstrap = kafkaUrl.replace('kafka://', '')
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('kafka')
/** Why a test of this folder is skipped; undefined where Kafka is there or required. */
export const noKafka = kafkaUrl === '' && !required ? 'no Kafka here: KAFKA_URL is not set' : undefined
/** A missing tool skips a test only where Kafka is not required. */
export const mayLackTools = !required

let opened: Promise<Backend> | undefined

afterAll(async () => (await opened)?.close())

export function openKafkaBackend(): Promise<Backend> {
  return (opened ??= openBackend(kafkaUrl, { log: silentLog }))
}

export function newName(what: string): string {
  return `${what}-${randomBytes(4).toString('hex')}`
}

export async function createTopic(what: string, partitions: number): Promise<string> {
  const name = newName(what)
  const spec = { name, partitions, compact: false, retentionMs: null, retentionBytes: null }
  await (await openKafkaBackend()).createTopic(spec)
  return name
}

export function textRecord(value: string, key: string | null = null): NewRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), headers: [], timestamp: 0 }
}

/** All records of a partition, as our driver reads them. */
export async function readAll(topic: string, partition: number): Promise<StoredRecord[]> {
  const backend = await openKafkaBackend()
  const { end: to = 0 } = (await backend.describeTopic(topic)).ranges[partition] ?? {}
  const limits = { maxRecords: 1_000, maxBytes: 1_000_000 }
  const reader = await backend.openReader({ topic, ranges: [{ partition, from: 0, to }], limits })
  const found: StoredRecord[] = []
  for (let some = await reader.pull(partition); some !== null; some = await reader.pull(partition)) found.push(...some)
  await reader.close()
  return found
}
