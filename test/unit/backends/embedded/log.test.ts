import { describe, expect, it } from '@jest/globals'
import { LETTER_ROOM_BYTES, MAX_RECORD_BYTES } from '../../../../src/core/record.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { openStore, record, values } from './harness.ts'

const LIMITS = { maxRecords: 100, maxBytes: 1_000_000 }

describe('topics', () => {
  it('the-same-topic-again-changes-nothing-and-another-is-refused', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 'b', partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
    await backend.createTopic({ name: 'a', partitions: 1, compact: true, retentionMs: null, retentionBytes: null })
    const before = await backend.describeTopic('b')
    await backend.createTopic({ name: 'b', partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
    await expect(
      backend.createTopic({ name: 'b', partitions: 3, compact: false, retentionMs: null, retentionBytes: null }),
    ).rejects.toMatchObject({
      code: 'ERR_TOPIC_DIFFERS',
    })
    await expect(
      backend.createTopic({ name: 'c', partitions: 0, compact: false, retentionMs: null, retentionBytes: null }),
    ).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    })
    expect(await backend.describeTopic('b')).toEqual(before)
    expect(await backend.listTopics()).toEqual(['a', 'b'])
    await expect(backend.describeTopic('x')).rejects.toMatchObject({ code: 'ERR_TOPIC_UNKNOWN' })
  })

  it('everything-is-there-when-the-store-is-opened-again', async () => {
    const dir = tempDir()
    const first = await openStore(dir)
    await first.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    await first.append('t', 0, [record('a'), record('b')])
    const described = await first.describeTopic('t')
    await first.close()
    const second = await openStore(dir)
    expect(await second.describeTopic('t')).toEqual(described)
    const reader = await second.openReader({ topic: 't', ranges: [{ partition: 0, from: 0, to: 2 }], limits: LIMITS })
    expect(values(await reader.pull(0))).toEqual(['a', 'b'])
  })
})

describe('append', () => {
  it('tells-the-first-offset-and-keeps-the-order-of-concurrent-calls', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const results = await Promise.all(
      [1, 2, 3].map((count) =>
        backend.append(
          't',
          0,
          Array.from({ length: count }, () => record('x')),
        ),
      ),
    )
    expect(results).toEqual([{ firstOffset: 0 }, { firstOffset: 1 }, { firstOffset: 3 }])
    expect((await backend.describeTopic('t')).ranges).toEqual([{ first: 0, end: 6 }])
  })

  it('takes-records-up-to-the-limit-and-refuses-larger-ones-whole', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const limit = backend.capabilities.maxRecordBytes
    expect(limit).toBe(MAX_RECORD_BYTES + LETTER_ROOM_BYTES)
    const sized = (bytes: number) => ({ key: null, value: Buffer.alloc(bytes, 7), headers: [], timestamp: 1 })
    await expect(backend.append('t', 0, [record('x'), sized(limit + 1)])).rejects.toMatchObject({
      code: 'ERR_RECORD_TOO_LARGE',
      details: { outcome: 'not-written', index: 1 },
    })
    expect(await backend.append('t', 0, [sized(limit)])).toEqual({ firstOffset: 0 })
    const reader = await backend.openReader({
      topic: 't',
      ranges: [{ partition: 0, from: 0 }],
      limits: { maxRecords: 1, maxBytes: 1 },
    })
    expect((await reader.pull(0))?.[0]?.value?.length).toBe(limit)
  })

  it('an-unknown-topic-or-partition-is-refused-as-not-written-without-harming-its-neighbours', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const [known, topic, partition] = await Promise.allSettled([
      backend.append('t', 0, [record('x')]),
      backend.append('x', 0, [record('x')]),
      backend.append('t', 1, [record('x')]),
    ])
    expect(known).toMatchObject({ value: { firstOffset: 0 } })
    expect(topic).toMatchObject({ reason: { code: 'ERR_TOPIC_UNKNOWN', details: { outcome: 'not-written' } } })
    expect(partition).toMatchObject({ reason: { code: 'ERR_CONFIG', details: { outcome: 'not-written' } } })
  })

  it('appended-at-never-decreases-and-is-found-by-time', async () => {
    let now = 0
    const backend = await openStore(tempDir(), {
      clock: { now: () => now, elapsed: () => now, after: () => () => undefined },
    })
    await backend.createTopic({ name: 't', partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
    // The writer adds the clock's lead to the system's time, so it may be a few milliseconds ahead of what was set.
    for (const time of [1_000_000, 2_000_000, 500_000, 3_000_000]) {
      now = time
      await backend.append('t', 0, [record('x'), record('y')])
    }
    const reader = await backend.openReader({ topic: 't', ranges: [{ partition: 0, from: 0, to: 8 }], limits: LIMITS })
    const times = (await reader.pull(0))?.map(({ appendedAt }) => Math.floor(appendedAt / 100_000))
    expect(times).toEqual([10, 10, 20, 20, 20, 20, 30, 30])
    const at = async (time: number) => (await backend.offsetsAt('t', time))[0]
    expect([await at(0), await at(1_500_000), await at(2_500_000), await at(9_000_000)]).toEqual([0, 2, 6, 8])
    expect(await backend.offsetsAt('t', 0)).toEqual([0, 0])
  })
})

describe('reader', () => {
  it('gives-batches-within-its-limits-and-null-at-its-end', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    await backend.append('t', 0, ['a', 'b', 'c', 'd', 'e'].map(record))
    const open = (from: number, to: number, maxRecords: number, maxBytes = 1_000_000) =>
      backend.openReader({ topic: 't', ranges: [{ partition: 0, from, to }], limits: { maxRecords, maxBytes } })
    const two = await open(1, 4, 2)
    expect([values(await two.pull(0)), values(await two.pull(0)), await two.pull(0)]).toEqual([['b', 'c'], ['d'], null])
    const tiny = await open(3, 5, 10, 1)
    expect([values(await tiny.pull(0)), values(await tiny.pull(0)), await tiny.pull(0)]).toEqual([['d'], ['e'], null])
    expect(await (await open(2, 2, 10)).pull(0)).toBeNull()
  })

  it('a-live-reader-hears-of-an-append-and-ends-when-closed', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
    const ranges = [
      { partition: 0, from: 0 },
      { partition: 1, from: 0 },
    ]
    const reader = await backend.openReader({ topic: 't', ranges, limits: LIMITS })
    const waiting = [reader.pull(0), reader.pull(1)] as const
    await expect(reader.pull(0)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await backend.append('t', 1, [record('x')])
    expect(values(await waiting[1])).toEqual(['x'])
    await reader.close()
    expect(await waiting[0]).toEqual([])
    expect(await reader.pull(1)).toEqual([])
  })
})

describe('close', () => {
  it('ends-what-is-open-and-refuses-everything-afterwards', async () => {
    const backend = await openStore(tempDir())
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const reader = await backend.openReader({ topic: 't', ranges: [{ partition: 0, from: 0 }], limits: LIMITS })
    const waiting = reader.pull(0)
    const appended = backend.append('t', 0, [])
    await Promise.all([backend.close(), backend.close()])
    expect(await waiting).toEqual([])
    expect(await appended).toEqual({ firstOffset: 0 })
    const closed = { code: 'ERR_CLOSED' }
    await expect(backend.listTopics()).rejects.toMatchObject(closed)
    await expect(backend.append('t', 0, [record('x')])).rejects.toMatchObject(closed)
    await expect(
      backend.createTopic({ name: 'u', partitions: 1, compact: false, retentionMs: null, retentionBytes: null }),
    ).rejects.toMatchObject(closed)
    await expect(backend.resetGroup('g', 't', [0])).rejects.toMatchObject(closed)
  })
})
