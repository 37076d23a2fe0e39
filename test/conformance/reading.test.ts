import { expect } from '@jest/globals'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { type Step, steps, stepTopic } from './steps.ts'

onEveryBackend('reading', ({ it, connect, name }) => {
  it('a-range-is-half-open-and-exact', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 10))
    const counts = async (options: Parameters<typeof broker.read>[1]) =>
      (await collect(broker.read(topic, options))).map(({ value }) => value.count)
    expect(await counts({ from: 3, to: 6 })).toEqual([3, 4, 5])
    expect(await counts({ from: 'earliest', to: 'end' })).toEqual([...Array(10).keys()])
    expect(await counts({ from: 9, to: 10 })).toEqual([9])
    expect(await counts({ from: 4, to: 4 })).toEqual([])
    expect(await counts({ from: 'latest', to: 'end' })).toEqual([])
    expect(await counts({ from: { offsets: { 0: 8 } }, to: 'end' })).toEqual([8, 9])
  })

  it('end-is-where-the-log-ended-when-the-read-was-opened', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(4, 5))
    const seen: Step[] = []
    for await (const message of broker.read(topic, { to: 'end' })) {
      seen.push(message.value)
      await producer.send({ key: 'later', count: 0 })
    }
    expect(seen).toHaveLength(20)
  })

  it('a-time-selects-by-the-brokers-time-of-append', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 5; count++) {
      // The producer's own time says nothing here.
      await producer.send({ key: 'k', count }, { timestamp: 5 - count })
      const before = Date.now()
      await eventually(() => Date.now() > before, { what: 'the clock moves on', intervalMs: 1 })
    }
    const all = await collect(broker.read(topic, { to: 'end' }))
    const times = all.map(({ appendedAt }) => appendedAt)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const at = times[2] ?? 0
    const from = await collect(broker.read(topic, { from: { timestamp: at }, to: 'end' }))
    expect(from.map(({ value }) => value.count)).toEqual([2, 3, 4])
    const until = await collect(broker.read(topic, { to: { timestamp: new Date(at) } }))
    expect(until.map(({ value }) => value.count)).toEqual([0, 1])
    expect(await collect(broker.read(topic, { from: { timestamp: '2999-01-01T00:00:00Z' }, to: 'end' }))).toEqual([])
  })

  it('a-live-read-follows-and-an-aborted-one-says-so', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(3, 1))
    const seen: Step[] = []
    const abort = new AbortController()
    const reading = (async () => {
      for await (const { value } of broker.read(topic, { signal: abort.signal })) seen.push(value)
    })()
    await eventually(() => seen.length === 3, { what: 'what was there is read' })
    await producer.sendAll(steps(3, 1))
    await eventually(() => seen.length === 6, { what: 'what came later is read' })
    abort.abort()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('bytes-are-faithful', async () => {
    const broker = await connect()
    // Only a topic that may hold tombstones hands out null values.
    const compact = broker.backend.capabilities.compaction
    const topic = { name: name('t'), value: 'bytes', key: undefined, partitions: 1, compact } as const
    await broker.declare(topic)
    const records = [
      // A compacted topic keeps by key: Kafka takes no record without one.
      { key: Buffer.from('k'), value: Buffer.alloc(0), headers: [], timestamp: 0 },
      { key: Buffer.alloc(0), value: compact ? null : Buffer.from('x'), headers: [], timestamp: 1 },
      {
        key: Buffer.from([0, 255, 128]),
        value: Buffer.from([0, 1, 2]),
        headers: [
          ['a', null],
          ['a', Buffer.alloc(0)],
          ['é日', Buffer.from([255])],
          ['a', Buffer.from('x')],
        ],
        timestamp: 1_700_000_000_123,
      },
    ] as const
    await broker.backend.append(topic.name, 0, records)
    const read = await collect(broker.read<Buffer | null>(topic, { to: 'end' }))
    expect(read.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(records)
  })

  it('an-undecodable-record-ends-a-read-naming-its-place', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 1))
    await broker.backend.append(topic.name, 0, [{ key: null, value: Buffer.from('no'), headers: [], timestamp: 0 }])
    await expect(collect(broker.read(topic, { to: 'end' }))).rejects.toMatchObject({
      code: 'ERR_UNDECODABLE',
      details: { topic: topic.name, partition: 0, offset: 1 },
    })
  })

  it('a-range-of-several-partitions-has-bounds-for-each', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    for (let count = 0; count < 5; count++)
      for (const partition of [0, 1, 2]) await producer.send({ key: `p${partition}`, count }, { partition })
    const places = async (options: Parameters<typeof broker.read>[1]) =>
      (await collect(broker.read(topic, options))).map(({ partition, offset }) => `${partition}:${offset}`).toSorted()
    // A partition without a `from` begins at its beginning; one without a `to` is not read.
    expect(await places({ from: { offsets: { 1: 3 } }, to: 'end' })).toEqual(
      [0, 1, 2].flatMap((p) => [0, 1, 2, 3, 4].filter((offset) => p !== 1 || offset >= 3).map((o) => `${p}:${o}`)),
    )
    expect(await places({ to: { offsets: { 0: 2, 2: 1 } } })).toEqual(['0:0', '0:1', '2:0'])
    expect(await places({ from: { offsets: { 0: 4 } }, to: { offsets: { 0: 5 } } })).toEqual(['0:4'])
    expect(await places({ from: { offsets: { 2: 1 } }, to: { offsets: { 2: 1 } } })).toEqual([])
    for (const wrong of [{ from: 3 }, { to: 3 }, { from: { offsets: { 3: 0 } } }, { to: { offsets: { 0: -1 } } }])
      await expect(places({ to: 'end', ...wrong })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(places({ from: { timestamp: 'tomorrow' }, to: 'end' })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })

  it('a-tail-begins-at-the-end-and-misses-nothing-that-comes', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 3)
    await broker.declare(topic)
    const producer = broker.producer(topic)
    await producer.sendAll(steps(9, 3))
    const tail = broker.read(topic, { from: 'latest' })[Symbol.asyncIterator]()
    const first = tail.next()
    // It is at the end as soon as anything comes through it.
    let sent = 0
    let came: Step | undefined
    void first.then((result) => {
      if (result.done !== true) came = result.value.value
    })
    await eventually(
      async () => {
        if (came === undefined) await producer.send({ key: 'tail', count: sent++ })
        return came !== undefined
      },
      { what: 'something comes through the tail' },
    )
    expect(came?.key).toBe('tail')
    const begun = came?.count ?? -1
    for (let more = 0; more < 10; more++) await producer.send({ key: 'tail', count: sent++ })
    const counts = [begun]
    while (counts.length < sent - begun) {
      const result = await tail.next()
      if (result.done !== true) counts.push(result.value.value.count)
    }
    expect(counts).toEqual(Array.from({ length: sent - begun }, (_, n) => begun + n))
    await tail.return?.()
  })
})
