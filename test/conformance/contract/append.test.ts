import { expect } from '@jest/globals'
import { LETTER_ROOM_BYTES, MAX_RECORD_BYTES, recordBytes } from '../../../src/core/record.ts'
import { type Attempt, judgeAppends, NO_FINDINGS } from '../../kit/append-log.ts'
import { onEveryBackend } from '../every-backend.ts'
import { createTopic, endsOf, numbered, readAll, record, refusal, textsOf } from './records.ts'

onEveryBackend('contract append', ({ it, open, name, hooks }) => {
  it('a-receipt-names-the-place-where-the-backend-can-know-it', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const attempts: Attempt[] = []
    for (let n = 0; n < 20; n++) {
      const values = numbered(`append-${n}`, 1 + (n % 4))
      const { firstOffset } = await backend.append(
        topic,
        0,
        values.map((value) => record(value)),
      )
      expect(firstOffset === null).toBe(!backend.capabilities.appendOffsets)
      attempts.push({ partition: 0, values, outcome: 'acknowledged', firstOffset })
    }
    const log = (await readAll(backend, topic)).map(({ offset, value }) => ({
      partition: 0,
      offset,
      value: String(value),
    }))
    expect(judgeAppends(attempts, log)).toEqual(NO_FINDINGS)
  })

  it('many-partitions-at-once-each-keep-their-order', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 6)
    const attempts: Attempt[] = []
    await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (partition) => {
        for (let n = 0; n < 30; n++) {
          const values = numbered(`p${partition}-${n}`, 10)
          const { firstOffset } = await backend.append(
            topic,
            partition,
            values.map((value) => record(value)),
          )
          attempts.push({ partition, values, outcome: 'acknowledged', firstOffset })
        }
      }),
    )
    const logs = await Promise.all([0, 1, 2, 3, 4, 5].map((partition) => readAll(backend, topic, partition)))
    const log = logs.flatMap((records, partition) =>
      records.map(({ offset, value }) => ({ partition, offset, value: String(value) })),
    )
    expect(judgeAppends(attempts, log)).toEqual(NO_FINDINGS)
    expect(log).toHaveLength(1800)
  })

  it('several-connections-append-to-one-partition-and-nothing-is-lost', async () => {
    const connections = [await open(), await open(), await open()]
    const [first] = connections
    const topic = await createTopic(first!, name('t'))
    const attempts: Attempt[] = []
    await Promise.all(
      connections.map(async (backend, who) => {
        for (let n = 0; n < 20; n++) {
          const values = numbered(`c${who}-${n}`, 5)
          const { firstOffset } = await backend.append(
            topic,
            0,
            values.map((value) => record(value)),
          )
          attempts.push({ partition: 0, values, outcome: 'acknowledged', firstOffset })
        }
      }),
    )
    const log = await readAll(first!, topic)
    const stored = log.map(({ offset, value }) => ({ partition: 0, offset, value: String(value) }))
    // Who came first is settled by the log: only each connection's own order is laid down.
    for (const who of [0, 1, 2]) {
      const own = (value: string) => value.startsWith(`c${who}-`)
      const ownAttempts = attempts.filter(({ values }) => own(values[0] ?? ''))
      expect(
        judgeAppends(
          ownAttempts,
          stored.filter(({ value }) => own(value)),
        ),
      ).toEqual(NO_FINDINGS)
    }
    expect(stored).toHaveLength(300)
  })

  it('a-refused-append-says-that-nothing-was-written', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'), 2)
    const unknown = await refusal(backend.append(name('nowhere'), 0, [record('x')]))
    expect(unknown).toMatchObject({ code: 'ERR_TOPIC_UNKNOWN', details: { outcome: 'not-written' } })
    const beyond = await refusal(backend.append(topic, 2, [record('x')]))
    expect(beyond).toMatchObject({ code: 'ERR_CONFIG', details: { outcome: 'not-written' } })
    expect(await endsOf(backend, topic)).toEqual([0, 0])
  })

  it('a-record-at-the-limit-is-stored-and-one-byte-more-is-refused', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const { maxRecordBytes } = backend.capabilities
    expect(maxRecordBytes).toBeGreaterThanOrEqual(MAX_RECORD_BYTES + LETTER_ROOM_BYTES)
    const overhead = { key: Buffer.from('key'), headers: [['name', Buffer.from('bytes')]] } as const
    const full = record(Buffer.alloc(maxRecordBytes - 12, 'x'), overhead)
    expect(recordBytes(full)).toBe(maxRecordBytes)
    const above = record(Buffer.alloc(maxRecordBytes - 11, 'y'), overhead)
    // Also where it stands behind a record that would fit.
    const refused = await refusal(backend.append(topic, 0, [record('before'), above]))
    expect(refused).toMatchObject({ code: 'ERR_RECORD_TOO_LARGE', details: { outcome: 'not-written' } })
    await backend.append(topic, 0, [full])
    const [stored, ...more] = await readAll(backend, topic)
    expect(more).toHaveLength(0)
    expect(stored?.key).toEqual(full.key)
    expect(stored?.headers).toEqual(full.headers)
    expect(full.value?.equals(stored?.value ?? Buffer.alloc(0))).toBe(true)
  })

  it('an-append-of-many-large-records-is-stored-whole', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const values = numbered('large', 8).map((text) => text + 'x'.repeat(900_000))
    await backend.append(
      topic,
      0,
      values.map((value) => record(value)),
    )
    const stored = textsOf(await readAll(backend, topic))
    expect(stored.map((text) => text?.slice(0, 7))).toEqual(numbered('large', 8))
    expect(stored.every((text) => text?.length === 900_007)).toBe(true)
  })

  it('every-byte-comes-back-as-it-went', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const odd = Buffer.from([0, 0xff, 0xfe, 0x80, 0xc3])
    const records = [
      record(null, { timestamp: 0 }),
      record(Buffer.alloc(0), { key: Buffer.alloc(0) }),
      record(null, { key: Buffer.from('tombstone') }),
      record(odd, { key: odd, headers: [['odd', odd]] }),
      record('repeated', {
        headers: [
          ['a', Buffer.from('1')],
          ['b', null],
          ['a', Buffer.alloc(0)],
          ['a', null],
          ['a', Buffer.from('1')],
        ],
      }),
      record('odd names', {
        headers: [
          ['', Buffer.from('empty name')],
          ['é日本 \u0000 x', odd],
          ['__proto__', Buffer.from('p')],
          ['x-opt-name', Buffer.from('annotation-like')],
          ['n'.repeat(300), Buffer.from('long name')],
        ],
      }),
      record('long header', { headers: [['h', Buffer.alloc(70_000, 0xfe)]] }),
      record('many headers', {
        headers: Array.from({ length: 300 }, (_, n) => [`h${n}`, Buffer.from([n & 0xff])] as const),
      }),
      record(Buffer.from([0, 0, 0, 0, 1, 2]), { timestamp: 253_402_300_799_999 }),
      record(Buffer.alloc(256, 'x'), { key: Buffer.alloc(256, 'k'), timestamp: 1 }),
    ]
    await backend.append(topic, 0, records)
    const stored = await readAll(backend, topic)
    expect(stored.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(records)
  })

  it('what-is-read-belongs-to-the-reader-and-pins-no-larger-block', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    const [small, large] = [record('small', { key: Buffer.from('key') }), record(Buffer.alloc(50_000, 'x'))]
    await backend.append(topic, 0, [large, small, large, large, small, large, large, large])
    const stored = await readAll(backend, topic)
    for (const { key, value } of stored) {
      for (const bytes of [key, value]) {
        // A slab that small buffers share is no block of the log.
        if (bytes !== null) expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(2 * bytes.length, 16_384))
      }
    }
    for (const { value } of stored) value?.fill(0)
    expect(textsOf(await readAll(backend, topic)).map((text) => text?.slice(0, 5))).toEqual([
      'xxxxx',
      'small',
      'xxxxx',
      'xxxxx',
      'small',
      'xxxxx',
      'xxxxx',
      'xxxxx',
    ])
  })

  it('the-time-of-append-is-the-brokers-and-never-decreases', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    for (let n = 0; n < 20; n++) await backend.append(topic, 0, [record(`${n}`, { timestamp: 20 - n })])
    const times = (await readAll(backend, topic)).map(({ appendedAt }) => appendedAt)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const hourMs = 3_600_000
    expect(times.every((time) => Math.abs(time - Date.now()) < hourMs)).toBe(true)
  })

  it('a-key-goes-to-the-partition-that-other-clients-choose', async () => {
    const backend = await open()
    for (const [key, partition] of hooks.keys)
      expect([key, backend.partitionFor(Buffer.from(key), 10)]).toEqual([key, partition])
    for (let n = 0; n < 200; n++) {
      const chosen = backend.partitionFor(Buffer.from(`key-${n}`), 7)
      expect(chosen).toBe(backend.partitionFor(Buffer.from(`key-${n}`), 7))
      expect([0, 1, 2, 3, 4, 5, 6]).toContain(chosen)
      expect(backend.partitionFor(Buffer.from(`key-${n}`), 1)).toBe(0)
    }
  })
})
