import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { startMember } from './member-process.ts'
import { appendTexts, createTopic, endsOf, lagOf, numbered, positionsOf, record, refusal, settled } from './records.ts'

onEveryBackend('contract feed', ({ it, open, join, name, url }) => {
  it('a-group-goes-on-at-its-position-on-a-new-connection', async () => {
    const first = await open()
    const [topic, group] = [await createTopic(first, name('t')), name('g')]
    await appendTexts(first, topic, numbered('r', 10))
    const member = await join(first, { group, topic })
    await eventually(() => member.records.length === 10, settled('all ten come'))
    expect(member.values()).toEqual(numbered('r', 10))
    await member.feed.commit(0, member.records[6]?.offset ?? -1)
    await first.close()

    const second = await open()
    const again = await join(second, { group, topic, from: 'latest' })
    await eventually(() => again.records.length === 4, settled('the rest comes again'))
    expect(again.values()).toEqual(numbered('r', 10).slice(6))
    expect(again.assignments).toEqual([{ partition: 0, position: again.records[0]?.offset }])
  }, 120_000)

  it('a-group-goes-on-at-its-position-in-a-new-process', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 5), partition)
    const first = await startMember({ url: url(), topic, group, commit: true })
    await eventually(() => first.values().length === 10, settled('the first process has all'))
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('and has committed it'))
    // Killed, not closed: the committed position is all that is left of it.
    first.process.kill('SIGKILL')
    await first.process.ended
    await appendTexts(backend, topic, ['new'], 1)
    const second = await startMember({ url: url(), topic, group, commit: true })
    await second.wait('the new record', ({ values }) => values !== undefined)
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('the second has committed'))
    expect(second.values()).toEqual(['new'])
    second.process.write('close\n')
    expect(await second.process.ended).toEqual({ code: 0, signal: null })
  }, 120_000)

  it('a-commit-is-durable-when-it-resolves-and-may-name-any-record', async () => {
    const [backend, other] = [await open(), await open()]
    const [topic, group] = [await createTopic(backend, name('t')), name('g')]
    await appendTexts(backend, topic, numbered('r', 5))
    const member = await join(backend, { group, topic })
    await eventually(() => member.records.length === 5, settled('all come'))
    const offsets = member.records.map(({ offset }) => offset)
    for (const next of [...offsets.slice(1), (offsets[4] ?? 0) + 1]) {
      await member.feed.commit(0, next)
      expect(await positionsOf(other, group, topic)).toEqual([next])
    }
    expect(await lagOf(other, group, topic)).toBe(0)
  }, 120_000)

  it('every-group-gets-every-record', async () => {
    const backend = await open()
    const [topic, groups] = [await createTopic(backend, name('t'), 3), [name('g'), name('g')]]
    for (const partition of [0, 1, 2]) await appendTexts(backend, topic, numbered(`p${partition}`, 4), partition)
    const members = [
      await join(backend, { group: groups[0] ?? '', topic }),
      await join(await open(), { group: groups[1] ?? '', topic }),
    ]
    for (const member of members) {
      await eventually(() => member.records.length === 12, settled('a group has all'))
      for (const partition of [0, 1, 2]) expect(member.values(partition)).toEqual(numbered(`p${partition}`, 4))
    }
  }, 120_000)

  it('a-group-has-its-own-positions-and-members-on-each-topic', async () => {
    const [backend, other] = [await open(), await open()]
    const group = name('g')
    const topics = [await createTopic(backend, name('t')), await createTopic(backend, name('t'))] as const
    for (const topic of topics) await appendTexts(backend, topic, numbered('r', 3))
    const one = await join(backend, { group, topic: topics[0], commit: true })
    const two = await join(other, { group, topic: topics[1] })
    await eventually(() => one.records.length === 3 && two.records.length === 3, settled('both topics are read'))
    await eventually(async () => (await lagOf(backend, group, topics[0])) === 0, settled('one is committed'))
    expect(await lagOf(backend, group, topics[1])).toBe(3)
    expect((await backend.describeGroup(group, topics[0])).members).toEqual([
      { id: one.feed.memberId, partitions: [0] },
    ])
    expect((await backend.describeGroup(group, topics[1])).members).toEqual([
      { id: two.feed.memberId, partitions: [0] },
    ])
    expect((await backend.listGroups()).filter((known) => known.group === group)).toHaveLength(2)
    await two.feed.close()
    expect(one.held()).toEqual([0])
  }, 120_000)

  it('a-group-that-is-live-on-one-topic-may-be-reset-on-another', async () => {
    const backend = await open()
    const group = name('g')
    const topics = [await createTopic(backend, name('t')), await createTopic(backend, name('t'))] as const
    await appendTexts(backend, topics[1], numbered('r', 3))
    const one = await join(backend, { group, topic: topics[0] })
    await eventually(() => one.held().length === 1, settled('the group is live on the first topic'))
    const [end = 0] = await endsOf(backend, topics[1])
    await backend.resetGroup(group, topics[1], [end])
    expect(await positionsOf(backend, group, topics[1])).toEqual([end])
    expect((await refusal(backend.resetGroup(group, topics[0], [0]))).code).toBe('ERR_GROUP_ACTIVE')
    expect(one.held()).toEqual([0])
  }, 120_000)

  it('a-pull-waits-for-a-record-and-is-bounded-in-records-and-bytes', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t')), name('g')]
    const limits = { maxRecords: 3, maxBytes: 1_000 }
    const member = await join(backend, { group, topic, limits, pull: false })
    await eventually(() => member.held().length === 1, settled('the partition is assigned'))
    const pulling = member.feed.pull(0)
    await appendTexts(backend, topic, ['first'])
    expect((await pulling).map(({ value }) => value?.toString())).toEqual(['first'])
    await appendTexts(backend, topic, numbered('small', 10))
    await backend.append(topic, 0, [
      record(Buffer.alloc(5_000, 'x')),
      record(Buffer.alloc(600)),
      record(Buffer.alloc(600)),
    ])
    const sizes: number[] = []
    for (let count = 0; count < 13; ) {
      const batch = await member.feed.pull(0)
      const lengths = batch.map(({ value }) => value?.length ?? 0)
      const bytes = lengths.reduce((sum, length) => sum + length, 0)
      expect(batch.length).toBeLessThanOrEqual(3)
      expect({ lengths, fits: batch.length === 1 || bytes <= 1_000 }).toEqual({ lengths, fits: true })
      sizes.push(...batch.map(({ value }) => value?.length ?? 0))
      count += batch.length
    }
    expect(sizes.slice(-3)).toEqual([5_000, 600, 600])
    expect(sizes).toHaveLength(13)
  }, 120_000)

  it('one-pull-at-a-time', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const member = await join(backend, { group: name('g'), topic, pull: false })
    await eventually(() => member.held().length === 1, settled('the partition is assigned'))
    const pulling = member.feed.pull(0)
    expect((await refusal(member.feed.pull(0))).code).toBe('ERR_CONFIG')
    await appendTexts(backend, topic, ['x'])
    expect(await pulling).toHaveLength(1)
  }, 120_000)

  it('an-idle-partition-does-not-hold-up-another', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 2)
    const member = await join(backend, {
      group: name('g'),
      topic,
      pull: false,
      limits: { maxRecords: 5, maxBytes: 10_000 },
    })
    await eventually(() => member.held().length === 2, settled('both are assigned'))
    // Partition 1 has more than a driver may hold ready, and nobody pulls it.
    for (let n = 0; n < 20; n++) await appendTexts(backend, topic, numbered(`${n}-${'x'.repeat(500)}`, 5), 1)
    await appendTexts(backend, topic, ['through'], 0)
    expect((await member.feed.pull(0)).map(({ value }) => value?.toString())).toEqual(['through'])
    expect((await member.feed.pull(1)).length).toBeGreaterThan(0)
  }, 120_000)
})
