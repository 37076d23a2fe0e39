import { expect } from '@jest/globals'
import type { StartPosition } from '../../../src/core/backend.ts'
import { eventually } from '../../kit/eventually.ts'
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
  refusal,
  settled,
} from './records.ts'

/** Within this time producers and groups see new partitions. */
const WIDENED_MS = 30_000

onEveryBackend(
  'contract from',
  ({ it, open, join, name }) => {
    const offsetsOf = async (backend: Awaited<ReturnType<typeof open>>, topic: string, partition: number) =>
      (await readAll(backend, topic, partition)).map(({ offset }) => offset)

    it('from-is-resolved-once-and-committed-for-all-partitions', async () => {
      const backend = await open()
      const topic = await createTopic(backend, name('t'), 3)
      for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 6), partition)
      const offsets = await offsetsOf(backend, topic, 0)
      const [first, ends] = [[0, 0, 0], await endsOf(backend, topic)]
      const cases: readonly (readonly [StartPosition, readonly number[]])[] = [
        ['earliest', first],
        ['latest', ends],
        [{ timestamp: 0 }, first],
        [{ timestamp: 4_102_444_800_000 }, ends],
        // Partition 2 has no record, partition 1 is not named: both begin at their beginning.
        [{ offsets: { 0: offsets[4] ?? -1 } }, [offsets[4] ?? -1, 0, 0]],
        [{ offsets: { 0: ends[0] ?? -1, 1: 0, 2: 0 } }, [ends[0] ?? -1, 0, 0]],
      ]
      for (const [from, expected] of cases) {
        const group = name('g')
        const member = await join(backend, { group, topic, from, pull: false })
        await eventually(() => member.held().length === 3, settled('all partitions are assigned'))
        const assigned = [...member.assignments].sort((a, b) => a.partition - b.partition)
        expect({ from, assigned }).toEqual({
          from,
          assigned: expected.map((position, partition) => ({ partition, position })),
        })
        // Without a commit of its own.
        expect({ from, positions: await positionsOf(backend, group, topic) }).toEqual({ from, positions: expected })
        await member.feed.close()
      }
    }, 180_000)

    it('another-from-of-a-later-member-changes-nothing', async () => {
      const [first, second] = [await open(), await open()]
      const [topic, group] = [await createTopic(first, name('t'), 2), name('g')]
      for (const partition of [0, 1]) await appendTexts(first, topic, numbered('old', 3), partition)
      const member = await join(first, { group, topic, from: 'latest' })
      await eventually(() => member.held().length === 2, settled('all partitions are assigned'))
      await member.feed.close()
      for (const partition of [0, 1]) await appendTexts(first, topic, [`while away ${partition}`], partition)
      const later = await join(second, { group, topic, from: 'earliest' })
      await eventually(() => later.records.length >= 2, settled('what came meanwhile is read'))
      expect(later.values().toSorted()).toEqual(['while away 0', 'while away 1'])
    }, 120_000)

    it('an-offset-beyond-the-end-is-refused-and-makes-no-group', async () => {
      const backend = await open()
      const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
      await appendTexts(backend, topic, numbered('r', 3))
      const [end = 0] = await endsOf(backend, topic)
      for (const offsets of [{ 0: end + 1 }, { 1: 1 }, { 0: end, 1: 1_000 }]) {
        const code = await codeOf(join(backend, { group, topic, from: { offsets } }))
        expect({ offsets, code }).toEqual({ offsets, code: 'ERR_CONFIG' })
      }
      expect((await refusal(backend.describeGroup(group, topic))).code).toBe('ERR_GROUP_UNKNOWN')
    }, 120_000)

    it('a-partition-that-appears-while-a-member-is-live-starts-at-its-beginning', async () => {
      const [backend, other] = [await open(), await open()]
      const [topic, group] = [await createTopic(backend, name('t'), 1), name('g')]
      await appendTexts(backend, topic, ['old'])
      const member = await join(backend, { group, topic, from: 'latest', commit: true })
      await eventually(() => member.held().length === 1, settled('the partition is assigned'))
      await other.widenTopic(topic, 3)
      // Written before the member can know of the partitions: `latest` was resolved long ago.
      await eventually(() => appendTexts(other, topic, ['new 1'], 1), settled('partition 1 takes records'))
      await eventually(() => appendTexts(other, topic, ['new 2'], 2), settled('partition 2 takes records'))
      await eventually(() => member.records.length >= 2, { what: 'the new partitions are read', timeoutMs: WIDENED_MS })
      expect(member.values().toSorted()).toEqual(['new 1', 'new 2'])
      expect(member.held()).toEqual([0, 1, 2])
      expect(member.assignments.filter(({ lost }) => lost !== undefined)).toEqual([])
    }, 120_000)

    it('a-partition-that-appears-while-nobody-is-there-starts-at-its-beginning', async () => {
      const backend = await open()
      const [topic, group] = [await createTopic(backend, name('t'), 1), name('g')]
      await appendTexts(backend, topic, ['old'])
      const member = await join(backend, { group, topic, from: 'latest' })
      await eventually(() => member.held().length === 1, settled('the partition is assigned'))
      await member.feed.close()
      await backend.widenTopic(topic, 2)
      await eventually(() => appendTexts(backend, topic, ['new'], 1), settled('the new partition takes records'))
      const { positions } = await backend.describeGroup(group, topic)
      expect(positions[1]?.lag).toBe(1)
      const again = await join(await open(), { group, topic, from: 'latest' })
      await eventually(() => again.records.length >= 1, settled('the new partition is read'))
      expect(again.values()).toEqual(['new'])
      expect(again.assignments.filter(({ lost }) => lost !== undefined)).toEqual([])
    }, 120_000)
  },
  [scripted],
)
