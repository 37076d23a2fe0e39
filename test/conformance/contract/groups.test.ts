import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import {
  appendTexts,
  codeOf,
  createTopic,
  endsOf,
  lagOf,
  numbered,
  positionsOf,
  readAll,
  refusal,
  settled,
} from './records.ts'

onEveryBackend('contract groups', ({ it, open, join, name }) => {
  it('reset-is-refused-while-live-and-done-when-idle', async () => {
    const [backend, other] = [await open(), await open()]
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 4), partition)
    const member = await join(backend, { group, topic, commit: true })
    await eventually(async () => (await lagOf(other, group, topic)) === 0, settled('all is committed'))
    const before = await positionsOf(other, group, topic)
    for (const connection of [backend, other]) {
      expect((await refusal(connection.resetGroup(group, topic, [0, 0]))).code).toBe('ERR_GROUP_ACTIVE')
      expect((await refusal(connection.deleteGroup(group, topic))).code).toBe('ERR_GROUP_ACTIVE')
    }
    expect(await positionsOf(other, group, topic)).toEqual(before)
    await member.feed.close()
    const offsets = (await readAll(other, topic, 1)).map(({ offset }) => offset)
    const wanted = [0, offsets[2] ?? -1]
    await eventually(() => other.resetGroup(group, topic, wanted).then(() => true), settled('the group counts as idle'))
    expect(await positionsOf(backend, group, topic)).toEqual(wanted)
    expect(await lagOf(backend, group, topic)).toBe(6)
    const again = await join(backend, { group, topic })
    await eventually(() => again.records.length === 6, settled('it goes on where it was reset to'))
    expect(again.values(0)).toEqual(numbered('p0', 4))
    expect(again.values(1)).toEqual(numbered('p1', 4).slice(2))
    expect(again.assignments.filter(({ lost }) => lost !== undefined)).toEqual([])
  }, 180_000)

  it('reset-makes-a-group-and-takes-every-position-the-topic-has', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    await appendTexts(backend, topic, numbered('r', 3))
    const offsets = (await readAll(backend, topic)).map(({ offset }) => offset)
    const [end = 0] = await endsOf(backend, topic)
    for (const [index, next] of [...offsets, end].entries()) {
      const group = name('g')
      await backend.resetGroup(group, topic, [next])
      expect(await backend.describeGroup(group, topic)).toEqual({
        group,
        topic,
        members: [],
        positions: [{ next, end, lag: 3 - index }],
      })
      expect(await backend.listGroups()).toContainEqual({ group, topic })
      const member = await join(backend, { group, topic, from: 'latest' })
      await eventually(
        () => member.records.length === 3 - index && member.held().length === 1,
        settled('the rest comes'),
      )
      expect(member.values()).toEqual(numbered('r', 3).slice(index))
      await member.feed.close()
    }
  }, 180_000)

  it('reset-refuses-what-the-topic-has-not-and-changes-nothing', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    await appendTexts(backend, topic, numbered('r', 3))
    const ends = await endsOf(backend, topic)
    for (const positions of [[ends[0]! + 1, 0], [0, 1], [0], [0, 0, 0], [-1, 0], [0.5, 0]]) {
      const code = await codeOf(backend.resetGroup(group, topic, positions))
      expect({ positions, code }).toEqual({ positions, code: 'ERR_CONFIG' })
    }
    expect(await codeOf(backend.describeGroup(group, topic))).toBe('ERR_GROUP_UNKNOWN')
    await backend.resetGroup(group, topic, ends)
    expect(await codeOf(backend.resetGroup(group, topic, [0, 1]))).toBe('ERR_CONFIG')
    expect(await positionsOf(backend, group, topic)).toEqual(ends)
  })

  it('a-deleted-group-is-forgotten-without-a-trace', async () => {
    const backend = await open()
    const [topic, other, group] = [
      await createTopic(backend, name('t')),
      await createTopic(backend, name('t')),
      name('g'),
    ]
    await appendTexts(backend, topic, numbered('r', 3))
    expect((await refusal(backend.deleteGroup(group, topic))).code).toBe('ERR_GROUP_UNKNOWN')
    const ends = await endsOf(backend, topic)
    await backend.resetGroup(group, topic, ends)
    await backend.resetGroup(group, other, [0])
    await backend.deleteGroup(group, topic)
    expect((await refusal(backend.describeGroup(group, topic))).code).toBe('ERR_GROUP_UNKNOWN')
    expect((await refusal(backend.deleteGroup(group, topic))).code).toBe('ERR_GROUP_UNKNOWN')
    const listed = await backend.listGroups()
    expect(listed).not.toContainEqual({ group, topic })
    expect(listed).toContainEqual({ group, topic: other })
    // A new group of the name: its own `from` counts, and nothing is reported lost.
    const member = await join(await open(), { group, topic, from: 'earliest' })
    await eventually(() => member.records.length === 3, settled('it begins anew'))
    expect(member.assignments.filter(({ lost }) => lost !== undefined)).toEqual([])
  }, 120_000)

  it('members-and-what-each-holds-are-told', async () => {
    const [first, second] = [await open(), await open()]
    const [topic, group] = [await createTopic(first, name('t'), 3), name('g')]
    const members = [await join(first, { group, topic }), await join(second, { group, topic })]
    await eventually(
      () =>
        members.every((member) => member.held().length > 0) && members.flatMap((member) => member.held()).length === 3,
      settled('the partitions are shared'),
    )
    const expected = members.map((member) => ({ id: member.feed.memberId, partitions: member.held() }))
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    for (const backend of [first, second]) {
      await eventually(async () => {
        const told = (await backend.describeGroup(group, topic)).members
        expect([...told].sort(byId)).toEqual(expected.sort(byId))
        return true
      }, settled('both connections tell of both members'))
    }
  }, 120_000)

  it('lag-counts-records-behind-the-end', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    await appendTexts(backend, topic, numbered('r', 5))
    const member = await join(backend, { group, topic })
    await eventually(() => member.records.length === 5, settled('all come'))
    const lags = async () => (await backend.describeGroup(group, topic)).positions.map(({ lag }) => lag)
    expect(await lags()).toEqual([5, 0])
    await member.feed.commit(0, member.records[2]?.offset ?? -1)
    expect(await lags()).toEqual([3, 0])
    await member.feed.commit(0, (member.records[4]?.offset ?? -1) + 1)
    expect(await lags()).toEqual([0, 0])
    await appendTexts(backend, topic, ['new'], 1)
    expect(await lags()).toEqual([0, 1])
  }, 120_000)
})
