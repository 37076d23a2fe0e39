import { expect } from '@jest/globals'
import type { Backend } from '../../../src/core/backend.ts'
import type { StoredRecord } from '../../../src/core/record.ts'
import { type Attempt, judgeAppends, NO_FINDINGS } from '../../kit/append-log.ts'
import { eventually } from '../../kit/eventually.ts'
import { type GroupMember, LIMITS } from '../../kit/group-member.ts'
import { scripted } from '../brokers/scripted.ts'
import { onEveryBackend } from '../every-backend.ts'
import {
  appendTexts,
  codeOf,
  createTopic,
  endsOf,
  numbered,
  positionsOf,
  readAll,
  settled,
  topicSpec,
} from './records.ts'

/** A feed that is closed holds nothing; a driver may say either. */
const CLOSED_OR_FENCED = /^ERR_(CLOSED|FENCED)$/

onEveryBackend(
  'contract lifecycle',
  ({ it, open, join, name }) => {
    /** Every member that touches the broker, called as it would succeed on an open backend. */
    function callsOf(
      backend: Backend,
      topic: string,
      partitions = 1,
    ): Readonly<Record<string, () => Promise<unknown>>> {
      const group = name('g')
      const feed = {
        group,
        topic,
        from: 'earliest',
        limits: LIMITS,
        onAssign() {},
        onRevoke: () => Promise.resolve(),
        onLost() {},
        onFailed() {},
      } as const
      return {
        createTopic: () => backend.createTopic(topicSpec(topic)),
        widenTopic: () => backend.widenTopic(topic, 2),
        deleteTopic: () => backend.deleteTopic(topic),
        describeTopic: () => backend.describeTopic(topic),
        listTopics: () => backend.listTopics(),
        append: () => appendTexts(backend, topic, ['x']),
        openFeed: () => backend.openFeed(feed),
        openReader: () => backend.openReader({ topic, ranges: [{ partition: 0, from: 0 }], limits: LIMITS }),
        offsetsAt: () => backend.offsetsAt(topic, 0),
        listGroups: () => backend.listGroups(),
        describeGroup: () => backend.describeGroup(group, topic),
        resetGroup: () =>
          backend.resetGroup(
            group,
            topic,
            Array.from({ length: partitions }, () => 0),
          ),
        deleteGroup: () => backend.deleteGroup(group, topic),
        // What only some brokers have.
        ...(backend.findRisks === undefined ? {} : { findRisks: backend.findRisks }),
        ...(backend.creationCommand === undefined
          ? {}
          : { creationCommand: () => backend.creationCommand?.(topicSpec(topic)) ?? Promise.resolve() }),
      }
    }

    it('every-member-after-close-is-ERR_CLOSED-and-close-twice-is-fine', async () => {
      const [backend, other] = [await open(), await open()]
      const topic = await createTopic(backend, name('t'))
      await Promise.all([backend.close(), backend.close()])
      await backend.close()
      const calls = Object.entries(callsOf(backend, topic))
      const members = Object.entries(backend).flatMap(([member, value]) =>
        typeof value === 'function' ? [member] : [],
      )
      expect([...calls.map(([call]) => call), 'close', 'partitionFor'].toSorted()).toEqual(members.toSorted())
      const codes = await Promise.all(calls.map(async ([call, run]) => [call, await codeOf(run())]))
      expect(Object.fromEntries(codes)).toEqual(Object.fromEntries(calls.map(([call]) => [call, 'ERR_CLOSED'])))
      // What is a matter of arithmetic needs no broker.
      expect(backend.partitionFor(Buffer.from('k'), 1)).toBe(0)
      expect(await other.describeTopic(topic)).toMatchObject({ partitions: 1, ranges: [{ first: 0, end: 0 }] })
    }, 120_000)

    it('calls-under-way-at-close-are-done-or-refused-and-none-hangs', async () => {
      const [backend, other] = [await open(), await open()]
      const topic = await createTopic(other, name('t'), 2)
      const attempts: Promise<Attempt>[] = []
      for (const partition of [0, 1]) {
        const values = numbered(`p${partition}`, 200)
        const about = { partition, values }
        attempts.push(
          appendTexts(backend, topic, values, partition).then(
            ({ firstOffset }) => ({ ...about, outcome: 'acknowledged', firstOffset }),
            (error: { details: { outcome: Attempt['outcome'] } }) => ({
              ...about,
              outcome: error.details.outcome ?? 'unknown',
              firstOffset: null,
            }),
          ),
        )
      }
      const { createTopic: _, deleteTopic: __, widenTopic: ___, ...calls } = callsOf(backend, topic, 2)
      const others = Object.entries(calls).map(async ([call, run]) => [call, await codeOf(run())] as const)
      await backend.close()
      const codes = await Promise.all(others)
      for (const [call, code] of codes) {
        expect({ call, code }).toEqual({
          call,
          code: expect.stringMatching(/^(ok|ERR_CLOSED|ERR_GROUP_UNKNOWN|ERR_GROUP_ACTIVE|ERR_ABORTED)$/),
        })
      }
      const logs = await Promise.all([0, 1].map((partition) => readAll(other, topic, partition)))
      const log = logs.flatMap((records, partition) =>
        records.map(({ offset, value }) => ({ partition, offset, value: String(value) })),
      )
      // One record of the calls above stands among them.
      expect(
        judgeAppends(
          await Promise.all(attempts),
          log.filter(({ value }) => value !== 'x'),
        ),
      ).toMatchObject({
        ...NO_FINDINGS,
        displaced: expect.any(Array),
      })
    }, 120_000)

    it('close-revokes-with-the-holders-consent-and-pending-pulls-resolve-to-nothing', async () => {
      const [backend, other] = [await open(), await open()]
      const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
      for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 3), partition)
      const committed: number[] = []
      const member = await join(backend, {
        group,
        topic,
        async onRevoke(partitions, member) {
          for (const partition of partitions) {
            const last = member.records.findLast((record) => record.partition === partition)
            await member.feed.commit(partition, (last?.offset ?? -1) + 1)
            committed.push(partition)
          }
        },
      })
      await eventually(() => member.records.length === 6, settled('the member has all and waits for more'))
      const [end = 0] = await endsOf(other, topic)
      const reader = await backend.openReader({ topic, ranges: [{ partition: 0, from: end }], limits: LIMITS })
      const reading = reader.pull(0)
      await backend.close()
      expect(committed.toSorted((a, b) => a - b)).toEqual([0, 1])
      expect(member.drained.toSorted((a, b) => a - b)).toEqual([0, 1])
      expect(member.failures).toEqual([])
      expect(await reading).toEqual([])
      expect(await member.feed.pull(0)).toEqual([])
      expect(await codeOf(member.feed.commit(0, 0))).toMatch(/^ERR_(CLOSED|FENCED)$/)
      await member.feed.close()
      await reader.close()
      const ends = (await other.describeTopic(topic)).ranges.map(({ end }) => end)
      expect(await positionsOf(other, group, topic)).toEqual(ends)
      await eventually(
        async () => (await other.describeGroup(group, topic)).members.length === 0,
        settled('nobody is left in the group'),
      )
    }, 120_000)

    it('one-connections-close-disturbs-no-other', async () => {
      const [backend, other] = [await open(), await open()]
      const topic = await createTopic(backend, name('t'))
      const member = await join(other, { group: name('g'), topic })
      await eventually(() => member.held().length === 1, settled('the member is live'))
      await appendTexts(backend, topic, ['before'])
      await backend.close()
      await appendTexts(other, topic, ['after'])
      await eventually(() => member.records.length === 2, settled('the member goes on'))
      expect(member.values()).toEqual(['before', 'after'])
    }, 120_000)

    it('a-feed-is-fresh-closing-and-closed-and-says-so', async () => {
      const [backend, other] = [await open(), await open()]
      const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
      await appendTexts(other, topic, numbered('r', 3))
      const codes = async ({ feed }: GroupMember) => [
        await feed.pull(0),
        await feed.pull(1),
        await codeOf(feed.commit(0, 1)),
        await codeOf(feed.commit(1, 0)),
      ]
      const NOT_HELD = [[], [], expect.stringMatching(CLOSED_OR_FENCED), expect.stringMatching(CLOSED_OR_FENCED)]
      // Closed before it may have been given anything; again, and at the same time.
      const fresh = await join(backend, { group, topic })
      await Promise.all([fresh.feed.close(), fresh.feed.close()])
      await fresh.feed.close()
      expect(await codes(fresh)).toEqual(NOT_HELD)
      expect(fresh.held()).toEqual([])

      // While it closes, what was handed out may still be committed, and nothing more is handed out.
      const whileClosing: (readonly [number, readonly StoredRecord[], string])[] = []
      const member = await join(other, {
        group,
        topic,
        async onRevoke(partitions, { feed }) {
          for (const partition of partitions)
            whileClosing.push([
              partition,
              await feed.pull(partition),
              await codeOf(feed.commit(partition, [2, 0][partition] ?? -1)),
            ])
        },
      })
      await eventually(() => member.held().length === 2 && member.records.length === 3, settled('it has all'))
      await Promise.all([member.feed.close(), appendTexts(backend, topic, ['late'])])
      expect(whileClosing.toSorted(([a], [b]) => a - b)).toEqual([
        [0, [], 'ok'],
        [1, [], 'ok'],
      ])
      expect(await codes(member)).toEqual(NOT_HELD)
      expect(member.values()).toEqual(numbered('r', 3))
      expect(await positionsOf(backend, group, topic)).toEqual([2, 0])
    }, 120_000)

    it('a-reader-is-fresh-open-ended-and-closed-and-says-so', async () => {
      const backend = await open()
      const topic = await createTopic(backend, name('t'), 2)
      await appendTexts(backend, topic, numbered('r', 3))
      const [end = 0] = await endsOf(backend, topic)
      const begin = (to?: number) =>
        backend.openReader({
          topic,
          ranges: [{ partition: 0, from: 0, ...(to === undefined ? {} : { to }) }],
          limits: LIMITS,
        })
      const fresh = await begin()
      await Promise.all([fresh.close(), fresh.close()])
      expect([await fresh.pull(0), await fresh.pull(0)]).toEqual([[], []])
      // Closed with a pull under way.
      const live = await begin()
      while ((await live.pull(0))?.some(({ value }) => value?.toString() === 'r-2') === false);
      const pending = live.pull(0)
      await live.close()
      expect([await pending, await live.pull(0)]).toEqual([[], []])
      // Read to its end, and on.
      const ended = await begin(end)
      let seen = 0
      for (let batch = await ended.pull(0); batch !== null; batch = await ended.pull(0)) seen += batch.length
      expect([seen, await ended.pull(0), await ended.pull(0)]).toEqual([3, null, null])
      await ended.close()
      // Opened and not read: its backend's close ends it.
      const left = await begin()
      await backend.close()
      expect(await left.pull(0)).toEqual([])
      await left.close()
    }, 120_000)
  },
  [scripted],
)
