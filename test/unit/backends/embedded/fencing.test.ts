import { afterEach, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { type WriterThread, openWriterThread } from '../../../../src/backends/embedded/writer-thread.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { eventually } from '../../../kit/eventually.ts'
import { startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { joinGroup, openStore, record } from './harness.ts'

const TOPIC = { name: 't', partitions: 2, compact: false, retentionMs: null, retentionBytes: null }
const writers: WriterThread[] = []

afterEach(async () => {
  await Promise.all(writers.splice(0).map((writer) => writer.close()))
})

it('a-commit-of-an-earlier-holding-is-fenced-in-its-own-transaction', async () => {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic(TOPIC)
  await backend.append(
    't',
    0,
    Array.from({ length: 9 }, () => record('x')),
  )
  const writer = await openWriterThread(dir, silentLog, () => undefined)
  writers.push(writer)
  const me = { group: 'g', topic: 't', member: 'me' }
  const commit = (epoch: number, next: number) =>
    writer.send({ kind: 'commit', ...me, partition: 0, epoch, next }).then(
      () => 'ok',
      (error: unknown) => (error as { code: string }).code,
    )
  const { assigned } = await writer.send({ kind: 'join', ...me, from: 'earliest' })
  expect(assigned.map(({ epoch }) => epoch)).toEqual([1, 1])
  // Sent at once, they share a transaction: what one of them changes counts for the next.
  const outcomes = await Promise.all([
    commit(1, 3),
    writer.send({ kind: 'release', ...me, partitions: [0] }).then(() => 'released'),
    commit(1, 4),
    writer.send({ kind: 'turn', ...me, mayTake: true }).then((turn) => turn.assigned.map(({ epoch }) => epoch)),
    commit(1, 5),
    commit(2, 6),
    commit(3, 7),
  ])
  expect(outcomes).toEqual(['ok', 'released', 'ERR_FENCED', [2], 'ERR_FENCED', 'ok', 'ERR_FENCED'])
  expect((await backend.describeGroup('g', 't')).positions[0]?.next).toBe(6)
})

it('a-store-that-stands-still-for-longer-than-a-session-expires-nobody', async () => {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic(TOPIC)
  const members = [await joinGroup(backend, 't'), await joinGroup(await openStore(dir), 't')]
  await eventually(() => members.every((member) => member.held().length === 1), { what: 'each to hold its share' })
  const file = fileURLToPath(new URL('./programs/lock-holder.ts', import.meta.url))
  const holder = startProcess(file, { args: [dir] })
  await holder.message<{ locked: boolean }>(({ locked }) => locked, 'the lock')
  const locked = performance.now()
  await eventually(() => members.every(({ feed }) => feed.isStale?.() === true), {
    what: 'both to have been unheard of for a session',
    timeoutMs: 30_000,
  })
  expect(performance.now() - locked).toBeGreaterThan(2_000)
  holder.kill('SIGKILL')
  await holder.ended
  await eventually(() => members.every(({ feed }) => feed.isStale?.() === false), { what: 'both to be heard of' })
  await Promise.all(members.map(async ({ feed, held }) => feed.commit(held()[0] ?? -1, 0)))
  expect(members.map(({ lost, revoked, assigned }) => [lost, revoked, assigned.length])).toEqual([
    [[], [1], 2],
    [[], [], 1],
  ])
})
