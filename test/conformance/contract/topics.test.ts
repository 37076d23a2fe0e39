import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { LIMITS } from '../../kit/group-member.ts'
import { scripted } from '../brokers/scripted.ts'
import { onEveryBackend } from '../every-backend.ts'
import {
  appendTexts,
  codeOf,
  createTopic,
  endsOf,
  positionsOf,
  readAll,
  refusal,
  settled,
  textsOf,
  topicSpec,
} from './records.ts'

/** Within this time producers and groups see new partitions. */
const WIDENED_MS = 30_000

onEveryBackend(
  'contract topics',
  ({ it, open, join, name }) => {
    it('the-same-spec-again-changes-nothing-and-another-one-is-refused', async () => {
      const backend = await open()
      const spec = topicSpec(name('t'), 3, { retentionMs: 86_400_000, retentionBytes: 10_000_000_000 })
      await backend.createTopic(spec)
      await appendTexts(backend, spec.name, ['kept'])
      const before = await backend.describeTopic(spec.name)
      expect(before).toMatchObject(spec)
      await backend.createTopic(spec)
      for (const other of [
        { partitions: 4 },
        { partitions: 2 },
        { retentionMs: null },
        { retentionBytes: 20_000_000_000 },
      ]) {
        const code = await codeOf(backend.createTopic({ ...spec, ...other }))
        expect({ other, code }).toEqual({ other, code: 'ERR_TOPIC_DIFFERS' })
      }
      expect(await backend.describeTopic(spec.name)).toEqual(before)
      expect(await (await open()).describeTopic(spec.name)).toEqual(before)
    })

    it('many-may-create-one-topic-at-once', async () => {
      const connections = [await open(), await open(), await open()]
      const spec = topicSpec(name('t'), 2)
      await Promise.all([...connections, ...connections].map((backend) => backend.createTopic(spec)))
      const described = await Promise.all(connections.map((backend) => backend.describeTopic(spec.name)))
      expect(new Set(described.map(({ incarnation }) => incarnation)).size).toBe(1)
      expect(described[0]?.ranges).toEqual([
        { first: 0, end: 0 },
        { first: 0, end: 0 },
      ])
    })

    it('topics-are-listed-sorted-internal-ones-too', async () => {
      const backend = await open()
      const names = ['b', 'a', 'B'].map((prefix) => name(prefix))
      const internal = name('drawbridge.test')
      for (const topic of [...names, internal]) await createTopic(backend, topic)
      const listed = await backend.listTopics()
      expect(listed).toEqual([...listed].sort())
      for (const topic of [...names, internal]) expect(listed.filter((found) => found === topic)).toHaveLength(1)
    })

    it('an-unknown-topic-is-named-so-by-every-member', async () => {
      const backend = await open()
      const topic = name('nowhere')
      const feed = { group: name('g'), topic, from: 'earliest', limits: LIMITS } as const
      const calls = {
        describeTopic: codeOf(backend.describeTopic(topic)),
        widenTopic: codeOf(backend.widenTopic(topic, 2)),
        deleteTopic: codeOf(backend.deleteTopic(topic)),
        append: codeOf(appendTexts(backend, topic, ['x'])),
        openReader: codeOf(backend.openReader({ topic, ranges: [{ partition: 0, from: 0 }], limits: LIMITS })),
        openFeed: codeOf(join(backend, feed)),
        offsetsAt: codeOf(backend.offsetsAt(topic, 0)),
        describeGroup: codeOf(backend.describeGroup(feed.group, topic)),
        resetGroup: codeOf(backend.resetGroup(feed.group, topic, [0])),
        deleteGroup: codeOf(backend.deleteGroup(feed.group, topic)),
      }
      const codes = await Promise.all(Object.entries(calls).map(async ([call, code]) => [call, await code]))
      expect(Object.fromEntries(codes)).toEqual(
        Object.fromEntries(Object.keys(calls).map((call) => [call, 'ERR_TOPIC_UNKNOWN'])),
      )
      expect(await backend.listTopics()).not.toContain(topic)
    })

    it('what-the-broker-cannot-do-is-refused-and-what-it-can-is-done', async () => {
      const backend = await open()
      const topic = name('t')
      const creating = backend.createTopic(topicSpec(topic, 1, { compact: true }))
      if (backend.capabilities.compaction) {
        await creating
        expect((await backend.describeTopic(topic)).compact).toBe(true)
      } else {
        expect((await refusal(creating)).code).toBe('ERR_UNSUPPORTED')
        expect(await codeOf(backend.describeTopic(topic))).toBe('ERR_TOPIC_UNKNOWN')
      }
    })

    it('widening-adds-partitions-and-keeps-what-is-there', async () => {
      const [backend, other] = [await open(), await open()]
      const topic = await createTopic(backend, name('t'), 2)
      await appendTexts(backend, topic, ['kept'], 1)
      const before = await backend.describeTopic(topic)
      await backend.widenTopic(topic, 5)
      const { partitions, ranges, incarnation } = await backend.describeTopic(topic)
      expect({ partitions, ranges: ranges.length, incarnation }).toEqual({
        partitions: 5,
        ranges: 5,
        incarnation: before.incarnation,
      })
      await eventually(async () => (await other.describeTopic(topic)).partitions === 5, {
        what: 'another connection sees it',
        timeoutMs: WIDENED_MS,
      })
      await eventually(() => appendTexts(other, topic, ['new'], 4), {
        what: 'another connection appends there',
        timeoutMs: WIDENED_MS,
      })
      expect(textsOf(await readAll(backend, topic, 1))).toEqual(['kept'])
      expect(textsOf(await readAll(backend, topic, 4))).toEqual(['new'])
      expect(await codeOf(backend.widenTopic(topic, 4))).toBe('ERR_CONFIG')
      expect((await backend.describeTopic(topic)).partitions).toBe(5)
    })

    it('a-deleted-topic-takes-its-records-and-positions-along', async () => {
      const backend = await open()
      const [topic, other, group] = [name('t'), name('t'), name('g')]
      for (const one of [topic, other]) {
        await createTopic(backend, one, 2)
        await appendTexts(backend, one, ['a', 'b', 'c'])
        await backend.resetGroup(group, one, [2, 0])
      }
      const { incarnation } = await backend.describeTopic(topic)
      await backend.deleteTopic(topic)
      expect(await codeOf(backend.describeTopic(topic))).toBe('ERR_TOPIC_UNKNOWN')
      expect(await codeOf(appendTexts(backend, topic, ['x']))).toBe('ERR_TOPIC_UNKNOWN')
      expect(await backend.listTopics()).not.toContain(topic)
      expect(await backend.listGroups()).not.toContainEqual({ group, topic })
      // The group's other topic is none of its business.
      expect(await positionsOf(backend, group, other)).toEqual([2, 0])

      await createTopic(backend, topic, 2)
      const again = await backend.describeTopic(topic)
      expect(again.incarnation).not.toBe(incarnation)
      expect(again.ranges.map(({ first, end }) => end - first)).toEqual([0, 0])
      expect(await codeOf(backend.describeGroup(group, topic))).toBe('ERR_GROUP_UNKNOWN')
      await appendTexts(backend, topic, ['new life'])
      const member = await join(backend, { group, topic, from: 'earliest' })
      await eventually(() => member.records.length === 1, settled('the new life is read from its beginning'))
      expect(member.values()).toEqual(['new life'])
      expect(member.assignments.filter(({ lost }) => lost !== undefined)).toEqual([])
    }, 120_000)

    it('a-topic-with-live-members-is-not-deleted', async () => {
      const backend = await open()
      const topic = await createTopic(backend, name('t'), 1)
      await appendTexts(backend, topic, ['a'])
      const member = await join(backend, { group: name('g'), topic })
      await eventually(() => member.records.length === 1, settled('the member is live'))
      expect((await refusal(backend.deleteTopic(topic))).code).toBe('ERR_GROUP_ACTIVE')
      expect(await endsOf(backend, topic)).toHaveLength(1)
      await appendTexts(backend, topic, ['b'])
      await eventually(() => member.records.length === 2, settled('the member goes on'))
      await member.feed.close()
      await eventually(
        async () => (await codeOf(backend.deleteTopic(topic))) === 'ok',
        settled('it goes once nobody is there'),
      )
    }, 120_000)
  },
  [scripted],
)
