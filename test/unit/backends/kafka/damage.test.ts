import { expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { createFrames } from '../../../../src/backends/kafka/frames.ts'
import { openBackend } from '../../../../src/backends/open.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { testUnless } from '../../../kit/skip.ts'
import { keepingLog } from './secure.ts'

const url = process.env['KAFKA_URL'] ?? ''
const missing = url === '' && !requiredBackends(process.env).includes('kafka') ? 'KAFKA_URL is not set' : undefined
const GOOD = Buffer.from('harmless')
const HURT = Buffer.from('harmful!')

/** Between us and the broker; what it hands on of the value GOOD is damaged so many times. */
async function openDamager(times: number): Promise<{ url: string; close(): void }> {
  const [, host = '', port = ''] = /^kafka:\/\/([^:,]+):(\d+)/.exec(url) ?? []
  const sockets = new Set<Socket>()
  let left = times
  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    const frames = createFrames((frame) => {
      const changed = replaced(frame, address(host, Number(port)), address(host, own))
      const at = left > 0 ? changed.indexOf(GOOD) : -1
      if (at >= 0) {
        HURT.copy(changed, at)
        left--
      }
      const length = Buffer.alloc(4)
      length.writeInt32BE(changed.length)
      client.write(Buffer.concat([length, changed]))
    })
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', frames)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  return {
    url: `kafka://127.0.0.1:${own}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function address(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4)
  bytes.write(host, 'latin1')
  bytes.writeUInt32BE(port, host.length)
  return bytes
}

function replaced(frame: Buffer, find: Buffer, replacement: Buffer): Buffer {
  const changed = Buffer.from(frame)
  for (let at = changed.indexOf(find); at >= 0; at = changed.indexOf(find, at + find.length))
    replacement.copy(changed, at)
  return changed
}

async function readThrough(times: number): Promise<{ values: string[]; end: unknown; topic: string; told: string }> {
  const topic = `damage-${randomBytes(4).toString('hex')}`
  const direct = await openBackend(url, { log: keepingLog() })
  await direct.createTopic({ name: topic, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
  for (const value of ['before', GOOD, 'behind']) {
    await direct.append(topic, 0, [{ key: null, value: Buffer.from(value), headers: [], timestamp: 1 }])
  }
  await direct.close()
  const damager = await openDamager(times)
  const log = keepingLog()
  const backend = await openBackend(damager.url, { log })
  const limits = { maxRecords: 10, maxBytes: 1_000_000 }
  const reader = await backend.openReader({ topic, ranges: [{ partition: 0, from: 0, to: 3 }], limits })
  const values: string[] = []
  let end: unknown
  try {
    for (let some = await reader.pull(0); some !== null; some = await reader.pull(0)) {
      values.push(...some.map(({ value }) => String(value)))
    }
  } catch (error) {
    end = error
  }
  await backend.close()
  damager.close()
  return { values, end, topic, told: log.text() }
}

testUnless(missing, 'a-batch-damaged-on-its-way-is-asked-for-once-more', async () => {
  const { values, end, told } = await readThrough(2)
  expect(end).toBeUndefined()
  expect(values).toEqual(['before', String(GOOD), 'behind'])
  expect(told).toContain('a batch is damaged, asking for it once more')
})

testUnless(missing, 'a-batch-that-stays-damaged-is-an-error-naming-its-place-after-what-stands-before-it', async () => {
  const { values, end, topic } = await readThrough(Number.POSITIVE_INFINITY)
  expect(values).toEqual(['before'])
  expect(end).toMatchObject({
    code: 'ERR_STORE_FAILED',
    message: expect.stringContaining(`topic "${topic}", partition 0, offset 1: a record batch is damaged`),
  })
})
