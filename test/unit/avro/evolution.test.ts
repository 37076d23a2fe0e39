import { describe, expect, test } from '@jest/globals'
import { createAvroCodec } from '../../../src/avro/codec.ts'
import type { Codec } from '../../../src/core/codec.ts'
import { DrawbridgeError } from '../../../src/core/errors.ts'

const WRITER = 9

/** A codec that reads with one schema what another one wrote; `asked` counts the questions to the registry. */
function evolve(
  writer: unknown,
  reader: unknown,
): { codec: Codec<unknown>; write: (value: unknown) => Buffer; asked: number[] } {
  const asked: number[] = []
  const codec = createAvroCodec({
    topic: 't',
    schema: reader,
    schemaId: 1,
    compact: false,
    schemaById: async (id) => {
      asked.push(id)
      return JSON.stringify(writer)
    },
  })
  const writing = createAvroCodec({
    topic: 't',
    schema: writer,
    schemaId: WRITER,
    compact: false,
    schemaById: async () => '',
  })
  return { codec, asked, write: (value) => writing.encode(value) as Buffer }
}

const record = (fields: readonly unknown[], more: object = {}): unknown => ({
  type: 'record',
  name: 'shop.R',
  fields,
  ...more,
})
const field = (type: unknown, more: object = {}): unknown => record([{ name: 'f', type, ...more }])

test('an-unknown-id-is-fetched-once-and-decoding-is-synchronous-from-then-on', async () => {
  const { codec, write, asked } = evolve(field('int'), field('long'))
  const bytes = write({ f: 7 })
  const first = [codec.decode(bytes), codec.decode(bytes), codec.decode(bytes)]
  expect(first.every((value) => value instanceof Promise)).toBe(true)
  expect(await Promise.all(first)).toEqual([{ f: 7 }, { f: 7 }, { f: 7 }])
  expect(asked).toEqual([WRITER])
  expect(codec.decode(bytes)).toEqual({ f: 7 })
})

test('an-id-unknown-to-the-registry-is-undecodable-and-a-registry-out-of-reach-is-asked-again', async () => {
  const failures = [
    new DrawbridgeError('ERR_BROKER_UNREACHABLE', 'down'),
    new DrawbridgeError('ERR_SCHEMA_UNKNOWN', 'no schema 9'),
  ]
  const codec = createAvroCodec({
    topic: 't',
    schema: 'int',
    schemaId: 1,
    compact: false,
    schemaById: async () => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      return '"int"'
    },
  })
  const bytes = Buffer.from('000000000902', 'hex')
  await expect(codec.decode(bytes)).rejects.toMatchObject({ code: 'ERR_BROKER_UNREACHABLE', verdict: 'retry' })
  await expect(codec.decode(bytes)).rejects.toMatchObject({ code: 'ERR_UNDECODABLE' })
  expect(await codec.decode(bytes)).toBe(1)
})

test('a-writers-schema-that-is-no-avro-makes-its-records-undecodable', async () => {
  const codec = createAvroCodec({
    topic: 't',
    schema: 'int',
    schemaId: 1,
    compact: false,
    schemaById: async () => '{"type":"protobuf"}',
  })
  await expect(codec.decode(Buffer.from('000000000902', 'hex'))).rejects.toMatchObject({ code: 'ERR_UNDECODABLE' })
})

test('a-huge-schema-of-another-writer-takes-no-quadratic-time-and-ends-in-a-value-or-a-refusal', async () => {
  const symbols = Array.from({ length: 100_000 }, (_, index) => `S${index}`)
  const fields = Array.from({ length: 70_000 }, (_, index) => ({ name: `f${index}`, type: 'null' }))
  for (const schema of [
    { type: 'enum', name: 'E', symbols },
    { type: 'record', name: 'R', fields },
  ]) {
    const codec = createAvroCodec({
      topic: 't',
      schema: 'int',
      schemaId: 1,
      compact: false,
      schemaById: async () => JSON.stringify(schema),
    })
    const started = performance.now()
    await expect(codec.decode(Buffer.from('000000000902', 'hex'))).rejects.toMatchObject({ code: 'ERR_UNDECODABLE' })
    expect(performance.now() - started).toBeLessThan(5000)
  }
  const record = (count: number): unknown => ({ type: 'record', name: 'R', fields: fields.slice(0, count) })
  const codec = createAvroCodec({
    topic: 't',
    schema: record(1),
    schemaId: 1,
    compact: false,
    schemaById: async () => JSON.stringify(record(70_000)),
  })
  const outcome = await Promise.resolve(codec.decode(Buffer.from('0000000009', 'hex'))).catch(
    (error: { code: string }) => error.code,
  )
  expect([{ f0: null }, 'ERR_UNDECODABLE']).toContainEqual(outcome)
})

describe('what-another-schema-wrote-is-read', () => {
  const symbols = (list: readonly string[], more: object = {}): unknown => ({
    type: 'enum',
    name: 'E',
    symbols: list,
    ...more,
  })
  const cases: readonly (readonly [string, unknown, unknown, unknown, unknown])[] = [
    ['int-as-double', field('int'), field('double'), { f: 3 }, { f: 3 }],
    ['long-as-float', field('long'), field('float'), { f: 3 }, { f: 3 }],
    ['float-as-double', field('float'), field('double'), { f: 1.5 }, { f: 1.5 }],
    ['string-as-bytes', field('string'), field('bytes'), { f: 'é' }, { f: Buffer.from('é') }],
    ['int-as-bigint', field('int'), field({ type: 'long', 'drawbridge.js': 'bigint' }), { f: -3 }, { f: -3n }],
    [
      'long-as-timestamp',
      field('long'),
      field({ type: 'long', logicalType: 'timestamp-millis' }),
      { f: 5 },
      { f: new Date(5) },
    ],
    ['a-new-field-with-default', record([]), field({ type: 'array', items: 'int' }, { default: [1] }), {}, { f: [1] }],
    [
      'a-default-of-a-logical-type',
      record([]),
      field({ type: 'int', logicalType: 'date' }, { default: 1 }),
      {},
      { f: '1970-01-02' },
    ],
    [
      'removed-fields-of-every-type',
      record([
        { name: 'a', type: { type: 'array', items: { type: 'map', values: ['null', 'string'] } } },
        { name: 'b', type: { type: 'fixed', name: 'F', size: 3 } },
        {
          name: 'c',
          type: {
            type: 'record',
            name: 'I',
            fields: [
              { name: 'd', type: 'double' },
              { name: 'e', type: 'boolean' },
            ],
          },
        },
        { name: 'd', type: { type: 'array', items: 'shop.I' } },
        { name: 'f', type: 'string' },
        { name: 'g', type: 'float' },
      ]),
      field('string'),
      { a: [{ x: null, y: 'z' }], b: Buffer.alloc(3), c: { d: 1, e: true }, d: [{ d: 1, e: true }], f: 'kept', g: 1 },
      { f: 'kept' },
    ],
    [
      'fields-in-another-order',
      record([
        { name: 'a', type: 'int' },
        { name: 'b', type: 'string' },
      ]),
      record([
        { name: 'b', type: 'string' },
        { name: 'a', type: 'int' },
      ]),
      { a: 1, b: 'x' },
      { b: 'x', a: 1 },
    ],
    [
      'a-renamed-field-by-alias',
      record([{ name: 'old', type: 'int' }]),
      field('int', { aliases: ['old'] }),
      { old: 4 },
      { f: 4 },
    ],
    [
      'a-renamed-record-by-alias',
      { type: 'record', name: 'other.Old', fields: [{ name: 'f', type: 'int' }] },
      record([{ name: 'f', type: 'int' }], { aliases: ['other.Old'] }),
      { f: 4 },
      { f: 4 },
    ],
    [
      'a-record-of-another-namespace',
      { type: 'record', name: 'other.R', fields: [{ name: 'f', type: 'int' }] },
      field('int'),
      { f: 4 },
      { f: 4 },
    ],
    [
      'an-unknown-symbol-as-the-default',
      field(symbols(['A', 'B'])),
      field(symbols(['A'], { default: 'A' })),
      { f: 'B' },
      { f: 'A' },
    ],
    ['into-a-union', field('string'), field(['null', 'string']), { f: 'x' }, { f: 'x' }],
    ['into-a-wrapped-union-by-its-own-kind', field('int'), field(['long', 'int']), { f: 1 }, { f: { int: 1 } }],
    ['out-of-a-union', field(['null', 'string']), field('string'), { f: 'x' }, { f: 'x' }],
    [
      'a-union-with-another-order',
      field(['null', 'string', 'int']),
      field(['int', 'null', 'string']),
      { f: 'x' },
      { f: 'x' },
    ],
  ]
  test.each(cases)('%s', async (_, writer, reader, written, read) => {
    const { codec, write } = evolve(writer, reader)
    const bytes = write(written)
    expect(await codec.decode(bytes)).toStrictEqual(read)
    for (let end = 5; end < bytes.length; end++) {
      expect(() => codec.decode(bytes.subarray(0, end))).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE' }))
    }
  })

  test('a-default-is-a-fresh-value-each-time', async () => {
    const { codec, write } = evolve(record([]), field({ type: 'array', items: 'int' }, { default: [] }))
    const first = (await codec.decode(write({}))) as { f: number[] }
    first.f.push(1)
    expect(await codec.decode(write({}))).toEqual({ f: [] })
  })

  test('a-recursive-record', async () => {
    const tree = (extra: readonly unknown[]): unknown => ({
      type: 'record',
      name: 'T',
      fields: [...extra, { name: 'kids', type: { type: 'array', items: 'T' } }],
    })
    const { codec, write } = evolve(
      tree([{ name: 'gone', type: ['null', 'T'] }]),
      tree([{ name: 'added', type: 'int', default: 1 }]),
    )
    const leaf = { gone: null, kids: [] }
    expect(await codec.decode(write({ gone: leaf, kids: [leaf, { gone: leaf, kids: [leaf] }] }))).toStrictEqual({
      added: 1,
      kids: [
        { added: 1, kids: [] },
        { added: 1, kids: [{ added: 1, kids: [] }] },
      ],
    })
  })
})

describe('what-cannot-be-resolved-is-undecodable-with-both-names', () => {
  test.each([
    [
      'another-type',
      field('string'),
      field('int'),
      { f: 'x' },
      /f: the writer's string cannot be read as int \(written as shop.R, read as shop.R\)/,
    ],
    ['a-missing-field', record([]), field('int'), {}, /no field "f"/],
    [
      'another-name',
      { type: 'record', name: 'X', fields: [] },
      record([]),
      {},
      /record X cannot be read as record shop.R/,
    ],
    [
      'a-branch-that-the-reader-lacks',
      field(['null', 'string']),
      field('string'),
      { f: null },
      /writer's null cannot be read as string/,
    ],
    [
      'another-scale',
      field({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 1 }),
      field({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }),
      { f: '1.0' },
      /decimal\(4,1\) would be misread as decimal\(4,2\)/,
    ],
    [
      'millis-for-micros',
      field({ type: 'long', logicalType: 'timestamp-millis' }),
      field({ type: 'long', logicalType: 'timestamp-micros' }),
      { f: new Date(0) },
      /would be misread/,
    ],
  ])('%s', async (_, writer, reader, value, message) => {
    const { codec, write } = evolve(writer, reader)
    await expect((async () => await codec.decode(write(value)))()).rejects.toMatchObject({
      code: 'ERR_UNDECODABLE',
      message: expect.stringMatching(message),
    })
  })
})
