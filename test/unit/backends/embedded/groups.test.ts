import { describe, expect, it } from '@jest/globals'
import type { Backend, FeedOptions } from '../../../../src/core/backend.ts'
import { eventually } from '../../../kit/eventually.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { type Member, joinGroup, openStore, record, values } from './harness.ts'

async function storeWithTopic(partitions: number): Promise<Backend> {
  const backend = await openStore(tempDir())
  await backend.createTopic({ name: 't', partitions, compact: false, retentionMs: null, retentionBytes: null })
  return backend
}

function holding(member: Member, count: number): Promise<unknown> {
  return eventually(() => member.held().length === count, { what: `a member to hold ${count} partitions` })
}

describe('feed', () => {
  it('a-sole-member-gets-every-partition-after-it-has-the-feed', async () => {
    const backend = await storeWithTopic(3)
    const member = await joinGroup(backend, 't')
    expect(member.assigned).toEqual([])
    await holding(member, 3)
    expect(member.assigned).toEqual([0, 1, 2].map((partition) => ({ partition, position: 0 })))
  })

  it('pulls-what-is-there-waits-for-more-and-goes-on-from-the-commit', async () => {
    const backend = await storeWithTopic(1)
    await backend.append('t', 0, [record('a'), record('b')])
    const first = await joinGroup(backend, 't')
    await holding(first, 1)
    expect(values(await first.feed.pull(0))).toEqual(['a', 'b'])
    const waiting = first.feed.pull(0)
    await backend.append('t', 0, [record('c')])
    expect(values(await waiting)).toEqual(['c'])
    await first.feed.commit(0, 2)
    await first.feed.close()
    const second = await joinGroup(backend, 't', { from: 'latest' })
    await holding(second, 1)
    expect(second.assigned).toEqual([{ partition: 0, position: 2 }])
    expect(values(await second.feed.pull(0))).toEqual(['c'])
  })

  it('a-new-member-gets-its-share-only-after-the-holder-let-go', async () => {
    const backend = await storeWithTopic(4)
    const finish = Promise.withResolvers<void>()
    const first = await joinGroup(backend, 't', { onRevoke: () => finish.promise })
    await holding(first, 4)
    const pulling = first.feed.pull(3)
    const second = await joinGroup(backend, 't')
    expect(await pulling).toEqual([])
    await first.feed.commit(3, 0)
    expect(second.held()).toEqual([])
    finish.resolve()
    await holding(second, 2)
    expect([first.held(), second.held(), first.revoked]).toEqual([
      [0, 1],
      [2, 3],
      [2, 3],
    ])
    await expect(first.feed.commit(3, 0)).rejects.toMatchObject({ code: 'ERR_FENCED' })
  })

  it('a-clean-leave-hands-over-without-waiting-for-a-session-to-end', async () => {
    const backend = await storeWithTopic(2)
    const first = await joinGroup(backend, 't')
    const second = await joinGroup(backend, 't')
    await Promise.all([holding(first, 1), holding(second, 1)])
    const started = performance.now()
    await first.feed.close()
    await holding(second, 2)
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(first.revoked).toEqual([1, 0])
    await expect(first.feed.commit(0, 0)).rejects.toMatchObject({ code: 'ERR_FENCED' })
    expect(await first.feed.pull(0)).toEqual([])
  })

  it('commits-still-work-while-closing-revokes-and-no-feed-fails', async () => {
    const backend = await storeWithTopic(2)
    await backend.append('t', 0, [record('a')])
    const failures: Error[] = []
    const onFailed = (error: Error): void => void failures.push(error)
    const onRevoke = async (partitions: readonly number[]): Promise<void> => {
      if (partitions.includes(0)) await member.feed.commit(0, 1)
    }
    const member: Member = await joinGroup(backend, 't', { onRevoke, onFailed })
    const other = await joinGroup(backend, 't', { onFailed })
    await Promise.all([holding(member, 1), holding(other, 1)])
    const pulling = other.feed.pull(1)
    await backend.close()
    expect([await pulling, member.revoked, other.revoked, failures]).toEqual([[], [1, 0], [1], []])
  })
})

describe('first position', () => {
  const cases: [string, FeedOptions['from'], number[]][] = [
    ['earliest', 'earliest', [0, 0]],
    ['latest', 'latest', [2, 0]],
    ['timestamp', { timestamp: Date.now() + 3_600_000 }, [2, 0]],
    ['offsets', { offsets: { 0: 1 } }, [1, 0]],
  ]
  it.each(cases)('is-committed-before-the-first-assignment: %s', async (_name, from, positions) => {
    const backend = await storeWithTopic(2)
    await backend.append('t', 0, [record('a'), record('b')])
    const member = await joinGroup(backend, 't', { from })
    await holding(member, 2)
    expect(member.assigned.map(({ position }) => position)).toEqual(positions)
    const { positions: committed } = await backend.describeGroup('group', 't')
    expect(committed.map(({ next }) => next)).toEqual(positions)
  })

  it('is-resolved-once-for-the-group-not-for-each-member', async () => {
    const backend = await storeWithTopic(2)
    const first = await joinGroup(backend, 't', { from: 'latest' })
    await holding(first, 2)
    await backend.append('t', 1, [record('a')])
    const second = await joinGroup(backend, 't', { from: 'latest' })
    await holding(second, 1)
    expect(second.assigned).toEqual([{ partition: 1, position: 0 }])
  })

  it('beyond-the-end-is-refused', async () => {
    const backend = await storeWithTopic(1)
    await expect(joinGroup(backend, 't', { from: { offsets: { 0: 1 } } })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(backend.describeGroup('group', 't')).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
  })

  it('a-position-beyond-the-end-is-reported-lost-until-it-is-replaced', async () => {
    const backend = await storeWithTopic(1)
    const first = await joinGroup(backend, 't')
    await holding(first, 1)
    await first.feed.commit(0, 9)
    await first.feed.close()
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const next = await joinGroup(backend, 't')
      await holding(next, 1)
      expect(next.assigned).toEqual([{ partition: 0, position: 0, lost: { position: 9 } }])
      await next.feed.close()
    }
  })
})

describe('group', () => {
  it('is-described-with-live-members-positions-and-lag', async () => {
    const backend = await storeWithTopic(2)
    await backend.append('t', 1, [record('a'), record('b'), record('c')])
    await expect(backend.describeGroup('group', 't')).rejects.toMatchObject({ code: 'ERR_GROUP_UNKNOWN' })
    const member = await joinGroup(backend, 't')
    await holding(member, 2)
    await member.feed.commit(1, 1)
    expect(await backend.describeGroup('group', 't')).toEqual({
      group: 'group',
      topic: 't',
      members: [{ id: member.feed.memberId, partitions: [0, 1] }],
      positions: [
        { next: 0, end: 0, lag: 0 },
        { next: 1, end: 3, lag: 2 },
      ],
    })
    expect(await backend.listGroups()).toEqual([{ group: 'group', topic: 't' }])
  })

  it('is-reset-only-while-idle-and-within-the-log', async () => {
    const backend = await storeWithTopic(2)
    await backend.append('t', 0, [record('a'), record('b')])
    await backend.resetGroup('group', 't', [1, 0])
    const member = await joinGroup(backend, 't', { from: 'latest' })
    await holding(member, 2)
    expect(member.assigned.map(({ position }) => position)).toEqual([1, 0])
    await expect(backend.resetGroup('group', 't', [0, 0])).rejects.toMatchObject({ code: 'ERR_GROUP_ACTIVE' })
    await member.feed.close()
    for (const positions of [[0], [3, 0], [-1, 0], [0.5, 0]]) {
      await expect(backend.resetGroup('group', 't', positions)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    }
    await backend.resetGroup('group', 't', [2, 0])
    const { positions, members } = await backend.describeGroup('group', 't')
    expect([positions.map(({ next }) => next), members]).toEqual([[2, 0], []])
  })
})
