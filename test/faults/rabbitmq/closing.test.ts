import { describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../kit/eventually.ts'
import { openTcpProxy } from '../../kit/tcp-proxy.ts'
import { runProcess } from '../../kit/process.ts'
import { testUnless } from '../../kit/skip.ts'
import { atEnd, changed, missing, openLogged, shared } from './broker.ts'

const PROGRAM = fileURLToPath(new URL('./programs/close-early.ts', import.meta.url))
const SPEC = { partitions: 2, compact: false, retentionMs: null, retentionBytes: null }
/** What a call may say that is closed over: nothing is known to fail but by the close. */
const ALLOWED = /^(ok|ERR_CLOSED|ERR_APPEND_FAILED|ERR_BROKER_UNREACHABLE|ERR_GROUP_ACTIVE|ERR_CONFIG)$/

async function closeEarly(address: string, afterMs: number): Promise<void> {
  const direct = await openLogged(shared.url)
  const topic = `closing-${randomBytes(4).toString('hex')}`
  await direct.createTopic({ name: topic, ...SPEC })
  const { stdout, stderr, code } = await runProcess(PROGRAM, { args: [address, topic, String(afterMs)] })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const { ends } = JSON.parse(stdout) as { ends: Readonly<Record<string, string>> }
  expect(Object.entries(ends).filter(([, end]) => !ALLOWED.test(end))).toEqual([])
  // RabbitMQ's management shows members that have left for some seconds more.
  for (const name of (await direct.listTopics()).filter((each) => each.startsWith(topic)))
    await eventually(() => direct.deleteTopic(name).then(() => true), { what: `${name} is nobody's` })
}

describe('closing a RabbitMQ backend', () => {
  testUnless(missing, 'calls-under-way-at-close-end-and-the-process-ends-by-itself', async () => {
    await Promise.all([0, 5, 40, 150].map((afterMs) => closeEarly(shared.url, afterMs)))
  })

  testUnless(missing, 'a-broker-that-says-nothing-any-more-holds-up-no-close', async () => {
    const url = new URL(shared.url)
    const port = Number(url.searchParams.get('stream'))
    const proxy = await openTcpProxy({ host: url.hostname, port })
    atEnd(() => proxy.close())
    const backend = await openLogged(changed(shared.url, {}, { stream: String(proxy.port) }))
    const topic = `silent-${randomBytes(4).toString('hex')}`
    await backend.createTopic({ name: topic, ...SPEC })
    proxy.set('stall')
    const calls = [backend.describeTopic(topic), backend.listTopics(), backend.widenTopic(topic, 3)]
    const ended = Promise.allSettled(calls)
    const begun = performance.now()
    await backend.close()
    for (const { status } of await ended) expect(status).toBe('rejected')
    // A goodbye is not waited for as long as an answer.
    expect(performance.now() - begun).toBeLessThan(5_000)
    proxy.set('pass')
    await (await openLogged(shared.url)).deleteTopic(topic)
  })
})
