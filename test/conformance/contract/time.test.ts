import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { appendTexts, createTopic, endsOf, numbered, readAll, record, settled } from './records.ts'

onEveryBackend('contract time', ({ it, open, join, name }) => {
  it('a-time-finds-the-first-record-not-appended-before-it', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 2)
    for (let n = 0; n < 12; n++) {
      // The producer's own time runs backwards and says nothing here.
      const records = numbered(`${n}`, 1 + (n % 3)).map((text) => record(text, { timestamp: 12 - n }))
      await backend.append(topic, 0, records)
      const after = Date.now() + 3
      await eventually(() => Date.now() > after, { what: 'the clock moves on', intervalMs: 1 })
    }
    const all = await readAll(backend, topic)
    const [end = 0] = await endsOf(backend, topic)
    const times = [...new Set(all.map(({ appendedAt }) => appendedAt))]
    expect(times.length).toBeGreaterThan(5)
    for (const time of [0, ...times.flatMap((at) => [at - 1, at, at + 1]), 4_102_444_800_000]) {
      const first = all.find(({ appendedAt }) => appendedAt >= time)?.offset ?? end
      expect({ time, found: await backend.offsetsAt(topic, time) }).toEqual({ time, found: [first, 0] })
    }
  }, 120_000)

  it('a-time-within-what-was-appended-at-once-finds-its-first-record', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    // Appends that follow without a pause share a time, and perhaps a block of the broker's log.
    await Promise.all(Array.from({ length: 20 }, (_, n) => appendTexts(backend, topic, numbered(`${n}`, 20))))
    const all = await readAll(backend, topic)
    for (const time of new Set(all.map(({ appendedAt }) => appendedAt))) {
      const first = all.find(({ appendedAt }) => appendedAt >= time)?.offset
      expect({ time, found: await backend.offsetsAt(topic, time) }).toEqual({ time, found: [first] })
    }
  }, 120_000)

  it('a-group-starts-at-a-time-exactly', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 2)
    for (let n = 0; n < 6; n++) {
      await appendTexts(backend, topic, [`${n}`], n % 2)
      const after = Date.now() + 3
      await eventually(() => Date.now() > after, { what: 'the clock moves on', intervalMs: 1 })
    }
    const log = (await Promise.all([0, 1].map((partition) => readAll(backend, topic, partition)))).flat()
    const time = log.find(({ value }) => value?.toString() === '3')?.appendedAt ?? 0
    const member = await join(backend, { group: name('g'), topic, from: { timestamp: time } })
    const expected = log.filter(({ appendedAt }) => appendedAt >= time).map(({ value }) => value?.toString())
    await eventually(() => member.records.length >= expected.length && member.held().length === 2, settled('the rest'))
    expect(member.values().toSorted()).toEqual(expected.map(String).toSorted())
    expect(member.values()).not.toContain('2')
  }, 120_000)
})
