import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { LIMITS } from '../../kit/group-member.ts'
import { onEveryBackend } from '../every-backend.ts'
import {
  appendTexts,
  createTopic,
  endsOf,
  lagOf,
  numbered,
  readAll,
  record,
  refusal,
  settled,
  textsOf,
} from './records.ts'

onEveryBackend('contract reading', ({ it, open, join, name, url, hooks }) => {
  it('a-range-is-half-open-and-exact-at-every-record', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    // Several appends, several records each: ranges begin and end within what was appended at once.
    for (let n = 0; n < 5; n++) await appendTexts(backend, topic, numbered(`${n}`, 4))
    const all = await readAll(backend, topic)
    const offsets = all.map(({ offset }) => offset)
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    for (const [index, from] of offsets.entries()) {
      expect(textsOf(await readAll(backend, topic, 0, { from }))).toEqual(textsOf(all.slice(index)))
      expect(textsOf(await readAll(backend, topic, 0, { to: from }))).toEqual(textsOf(all.slice(0, index)))
      expect(await readAll(backend, topic, 0, { from, to: from })).toEqual([])
      expect(textsOf(await readAll(backend, topic, 0, { from, to: from + 1 }))).toEqual([all[index]?.value?.toString()])
    }
    const limits = { maxRecords: 3, maxBytes: 1_000_000 }
    expect(textsOf(await readAll(backend, topic, 0, { limits }))).toEqual(textsOf(all))
  }, 120_000)

  it('the-end-is-the-offset-after-the-last-record-and-an-empty-partition-ends-at-once', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 3)
    await appendTexts(backend, topic, numbered('r', 5), 1)
    const { ranges } = await backend.describeTopic(topic)
    const [last] = (await readAll(backend, topic, 1)).slice(-1)
    expect(ranges[1]?.end).toBe((last?.offset ?? -1) + 1)
    expect(await readAll(backend, topic, 0)).toEqual([])
    expect(await readAll(backend, topic, 2, { from: 0, to: 0 })).toEqual([])
  })

  it('a-live-range-follows-and-a-bounded-one-waits-for-its-end', async () => {
    const [backend, writer] = [await open(), await open()]
    const topic = await createTopic(backend, name('t'), 2)
    await appendTexts(writer, topic, ['a'], 0)
    const [end = 0] = await endsOf(backend, topic)
    const reader = await backend.openReader({
      topic,
      ranges: [
        { partition: 0, from: 0 },
        { partition: 1, from: 0, to: end },
      ],
      limits: LIMITS,
    })
    expect(textsOf((await reader.pull(0)) ?? [])).toEqual(['a'])
    const [live, bounded] = [reader.pull(0), reader.pull(1)]
    await appendTexts(writer, topic, ['b'], 0)
    expect(textsOf((await live) ?? [])).toEqual(['b'])
    await appendTexts(writer, topic, numbered('c', 3), 1)
    expect(textsOf((await bounded) ?? [])).toEqual(['c-0'])
    expect(await reader.pull(1)).toBeNull()
    expect(await reader.pull(1)).toBeNull()
    const pending = reader.pull(0)
    expect((await refusal(reader.pull(0))).code).toBe('ERR_CONFIG')
    await reader.close()
    await reader.close()
    expect(await pending).toEqual([])
    expect(await reader.pull(0)).toEqual([])
  }, 120_000)

  it('a-reader-touches-no-group', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    await appendTexts(backend, topic, numbered('r', 5))
    await readAll(backend, topic)
    expect((await backend.listGroups()).filter((group) => group.topic === topic)).toEqual([])
  })

  it('a-log-with-gaps-is-read-to-its-end-and-its-lag-reaches-0', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    const values = await hooks.gaps({ url: url(), topic, partition: 1 })
    const texts = values.map((value) => value.toString())
    const seen = async (from?: number, to?: number) => {
      const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
      return textsOf((await readAll(backend, topic, 1, range)).filter(({ value }) => value !== null))
    }
    expect(await seen()).toEqual(texts)
    const all = await readAll(backend, topic, 1)
    const end = (await endsOf(backend, topic))[1] ?? -1
    const offsets = all.map(({ offset }) => offset)
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    // Every bound below the end, also one that stands in a gap.
    for (let to = 0; to <= end; to++) {
      const below = all.filter(({ offset }) => offset < to)
      expect({ to, texts: textsOf(await readAll(backend, topic, 1, { to })) }).toEqual({ to, texts: textsOf(below) })
    }
    const member = await join(backend, { group, topic, commit: true })
    await eventually(() => member.records.length === all.length, settled('a member has all'))
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('lag reaches 0'))
    await member.feed.close()

    const latest = await join(backend, { group: name('g'), topic, from: 'latest', commit: true })
    await eventually(() => latest.held().length === 2, settled('a group at the end'))
    expect(await lagOf(backend, group, topic)).toBe(0)
    // What comes after the gap is the next thing both see.
    await appendTexts(backend, topic, ['after'], 1)
    await eventually(() => latest.records.length > 0, settled('what comes after the gap'))
    expect(latest.values()).toEqual(['after'])
    expect(await lagOf(backend, group, topic)).toBe(1)
    expect(await seen(end)).toEqual(['after'])
    const again = await join(backend, { group, topic, commit: true })
    await eventually(() => again.records.length > 0, settled('the first group goes on after the gap'))
    expect(again.values()).toEqual(['after'])
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('lag reaches 0 again'))
  }, 180_000)

  it('a-log-that-compaction-thinned-is-read-to-its-end', async () => {
    const backend = await open()
    const [topic, group] = [name('t'), name('g')]
    await createTopic(backend, topic, 1, { compact: true })
    for (let n = 0; n < 50; n++) {
      await backend.append(topic, 0, [
        record(`old ${n}`, { key: Buffer.from('k') }),
        record(`kept ${n}`, { key: Buffer.from(`k${n}`) }),
      ])
    }
    await backend.append(topic, 0, [record('newest', { key: Buffer.from('k') })])
    const texts = textsOf(await readAll(backend, topic))
    // Whatever the broker has thinned by now: the newest of each key is there, in order, and the read ends.
    expect(texts.filter((text) => text?.startsWith('kept'))).toEqual(
      numbered('kept', 50).map((text) => text.replace('-', ' ')),
    )
    expect(texts.at(-1)).toBe('newest')
    const member = await join(backend, { group, topic, commit: true })
    await eventually(() => member.values().at(-1) === 'newest', settled('a member comes to the end'))
    await eventually(async () => (await lagOf(backend, group, topic)) === 0, settled('lag reaches 0'))
  }, 120_000)
})
