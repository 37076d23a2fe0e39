import { expect, it } from '@jest/globals'
import { TICK_KEY } from '../../../../src/backends/embedded/keys.ts'
import { openLmdb } from '../../../../src/backends/embedded/lmdb.ts'
import { eventually } from '../../../kit/eventually.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { joinGroup, openStore, readPartition, record, values } from './harness.ts'

const FOR_EVER = { compact: false, retentionMs: null, retentionBytes: null }
/** One of these fills a chunk of its own. */
const big = (name: string) => record(`${name}${'x'.repeat(70_000)}`)

it('the-oldest-records-go-by-size-and-the-newest-stay', async () => {
  const backend = await openStore(tempDir())
  await backend.createTopic({ name: 't', partitions: 1, ...FOR_EVER, retentionBytes: 200_000 })
  for (let n = 0; n < 10; n++) await backend.append('t', 0, [big(`r${n}`)])
  const { ranges } = await backend.describeTopic('t')
  expect(ranges).toEqual([{ first: 8, end: 10 }])
  const reader = await backend.openReader({
    topic: 't',
    ranges: [{ partition: 0, from: 0, to: 10 }],
    limits: { maxRecords: 10, maxBytes: 1e6 },
  })
  expect(values(await reader.pull(0))?.map((text) => text.slice(0, 2))).toEqual(['r8', 'r9'])
  expect(await reader.pull(0)).toBeNull()
})

it('records-go-by-age-also-without-new-ones', async () => {
  const dir = tempDir()
  let ahead = 0
  const clock = { now: () => Date.now() + ahead, elapsed: () => performance.now(), after: () => () => undefined }
  const backend = await openStore(dir, { clock })
  await backend.createTopic({ name: 't', partitions: 1, ...FOR_EVER, retentionMs: 60_000 })
  await backend.append('t', 0, [big('a'), big('b')])
  expect((await backend.describeTopic('t')).ranges).toEqual([{ first: 0, end: 2 }])
  ahead = 120_000
  await eventually(async () => (await backend.describeTopic('t')).ranges[0]?.first === 2, {
    what: 'the housekeeping removes what is too old',
    timeoutMs: 20_000,
  })
  // Nothing stands below the bound any more, and nothing will: a read of it ends.
  const ranges = [{ partition: 0, from: 0, to: 2 }]
  const reader = await backend.openReader({ topic: 't', ranges, limits: { maxRecords: 10, maxBytes: 1e6 } })
  expect(await reader.pull(0)).toBeNull()
})

it('a-position-that-retention-passes-while-held-is-lost-and-told', async () => {
  const backend = await openStore(tempDir())
  await backend.createTopic({ name: 't', partitions: 1, ...FOR_EVER, retentionBytes: 200_000 })
  await backend.append('t', 0, [big('r0')])
  const member = await joinGroup(backend, 't', { limits: { maxRecords: 1, maxBytes: 1 } })
  await eventually(() => member.held().length === 1, { what: 'the partition is held' })
  expect(await member.feed.pull(0)).toHaveLength(1)
  for (let n = 1; n < 10; n++) await backend.append('t', 0, [big(`r${n}`)])
  expect(await member.feed.pull(0)).toEqual([])
  await eventually(() => member.assigned.length === 2, { what: 'the partition is assigned again' })
  expect(member.lost).toEqual([0])
  expect(member.assigned[1]).toEqual({ partition: 0, position: 8, lost: { position: 0 } })
  expect(values(await member.feed.pull(0))?.[0]?.slice(0, 2)).toBe('r8')
})

it('a-deleted-topic-is-gone-with-its-groups-and-its-records-follow', async () => {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic({ name: 'other', partitions: 2, ...FOR_EVER })
  await backend.append('other', 1, [record('kept')])
  const entries = await entriesIn(dir)
  await backend.createTopic({ name: 't', partitions: 2, ...FOR_EVER })
  for (let n = 0; n < 30; n++) await backend.append('t', 0, [record('a')])
  const { incarnation } = await backend.describeTopic('t')
  await backend.append('t', 1, [record('a')])
  const member = await joinGroup(backend, 't')
  await expect(backend.deleteTopic('t')).rejects.toMatchObject({ code: 'ERR_GROUP_ACTIVE' })
  await member.feed.close()
  await backend.deleteTopic('t')
  await expect(backend.describeTopic('t')).rejects.toMatchObject({ code: 'ERR_TOPIC_UNKNOWN' })
  expect(await backend.listGroups()).toEqual([])
  await eventually(async () => (await entriesIn(dir)) === entries, { what: 'everything of the topic to be removed' })
  expect(await readPartition(backend, 'other', 1)).toHaveLength(1)
  await backend.createTopic({ name: 't', partitions: 2, ...FOR_EVER })
  const again = await backend.describeTopic('t')
  expect(again.incarnation).not.toBe(incarnation)
  expect(again.ranges).toEqual([
    { first: 0, end: 0 },
    { first: 0, end: 0 },
  ])
})

/** Entries of the store but for its tick, which membership makes and no topic has. */
async function entriesIn(dir: string): Promise<number> {
  const db = openLmdb(dir, { readOnly: true })
  const keys = Array.from(db.getKeys({ start: Buffer.alloc(0) }), (key) => Buffer.from(key))
  await db.close()
  return keys.filter((key) => !key.equals(TICK_KEY)).length
}

it('a-deleted-group-begins-anew', async () => {
  const backend = await openStore(tempDir())
  await backend.createTopic({ name: 't', partitions: 1, ...FOR_EVER })
  await backend.append('t', 0, [record('a'), record('b')])
  await backend.resetGroup('group', 't', [2])
  await expect(backend.deleteGroup('other', 't')).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
  await backend.deleteGroup('group', 't')
  const member = await joinGroup(backend, 't')
  await eventually(() => member.held().length === 1, { what: 'the partition is held' })
  expect(member.assigned).toEqual([{ partition: 0, position: 0 }])
  await expect(backend.deleteGroup('group', 't')).rejects.toMatchObject({ code: 'ERR_GROUP_ACTIVE' })
})

it('a-widened-topic-gives-its-new-partitions-to-members-from-their-beginning', async () => {
  const backend = await openStore(tempDir())
  await backend.createTopic({ name: 't', partitions: 1, ...FOR_EVER })
  const member = await joinGroup(backend, 't', { from: 'latest' })
  await eventually(() => member.held().length === 1, { what: 'the partition is held' })
  await backend.widenTopic('t', 3)
  await backend.append('t', 2, [record('a')])
  await expect(backend.widenTopic('t', 2)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  await eventually(() => member.held().length === 3, { what: 'the new partitions are held' })
  expect(member.assigned.slice(1)).toEqual([1, 2].map((partition) => ({ partition, position: 0 })))
  expect(values(await member.feed.pull(2))).toEqual(['a'])
})
