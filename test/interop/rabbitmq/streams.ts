import { afterAll } from '@jest/globals'
import amqp from 'amqplib'
import { randomBytes } from 'node:crypto'
import { type Client, connect as connectStream } from 'rabbitmq-stream-js-client'
import { openBackend } from '../../../src/backends/open.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { silentLog } from '../../../src/core/log.ts'
import type { NewRecord, StoredRecord } from '../../../src/core/record.ts'

const {
  RABBITMQ_URL: url = '',
  RABBITMQ_STREAM_URL: streamUrl = '',
  RABBITMQ_MANAGEMENT_URL: managementUrl = '',
} = process.env
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('rabbitmq')

/** Why a test of this folder is skipped; undefined where RabbitMQ is there or required. */
export const noRabbitmq =
  !required && [url, streamUrl, managementUrl].includes('')
    ? 'RABBITMQ_URL, RABBITMQ_STREAM_URL and RABBITMQ_MANAGEMENT_URL name no broker'
    : undefined
/** A missing tool skips a test only where RabbitMQ is not required. */
export const mayLackTools = !required
/** The broker as other clients are told of it. */
export { streamUrl, url as rabbitmqUrl }

const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  // What was opened last is closed first, so that members go before their backend.
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined)
})

/** Ends something when the file's tests are done. */
export function closeAtEnd(close: () => Promise<unknown>): void {
  closers.push(close)
}

export function newName(what: string): string {
  return `${what}-${randomBytes(4).toString('hex')}`
}

export async function open(partitions: number): Promise<{ readonly backend: Backend; readonly topic: string }> {
  const backend = await openBackend(url, { log: silentLog })
  closeAtEnd(() => backend.close())
  const topic = newName('interop')
  await backend.createTopic({ name: topic, partitions, compact: false, retentionMs: null, retentionBytes: null })
  return { backend, topic }
}

export async function openStreamClient(): Promise<Client> {
  const { hostname, port, username, password } = new URL(streamUrl)
  const client = await connectStream({ hostname, port: Number(port), username, password, vhost: '/' })
  closeAtEnd(() => client.close())
  return client
}

export async function openAmqp(): Promise<amqp.ChannelModel> {
  const connection = await amqp.connect(url, { noDelay: true })
  // What is under way then is rejected, which says the same.
  connection.on('error', () => undefined)
  closeAtEnd(() => connection.close())
  return connection
}

/** What RabbitMQ's management API answers. */
export async function askManagement(path: string): Promise<unknown> {
  const { username, password } = new URL(url)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const answer = await fetch(`${managementUrl}/api${path}`, { headers: { authorization } })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

export function record(value: string | null, more: Partial<NewRecord> = {}): NewRecord {
  const bytes = value === null ? null : Buffer.from(value)
  return { key: null, value: bytes, headers: [], timestamp: 1_700_000_000_123, ...more }
}

/** All records of a partition, as our driver reads them. */
export async function readAll(backend: Backend, topic: string, partition = 0): Promise<StoredRecord[]> {
  const to = (await backend.describeTopic(topic)).ranges[partition]?.end ?? 0
  const limits = { maxRecords: 100, maxBytes: 1e6 }
  const reader = await backend.openReader({ topic, ranges: [{ partition, from: 0, to }], limits })
  const records: StoredRecord[] = []
  for (let batch = await reader.pull(partition); batch !== null; batch = await reader.pull(partition))
    records.push(...batch)
  await reader.close()
  return records
}

/** Each record's key and the partition it is in. */
export async function placesOf(backend: Backend, topic: string, partitions: number) {
  const logs = await Promise.all(Array.from({ length: partitions }, (_, n) => readAll(backend, topic, n)))
  return logs.flatMap((records, partition) => records.map(({ value }) => [String(value), partition] as const))
}
