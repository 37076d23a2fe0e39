import { expect, test } from '@jest/globals'
import { checkSchema } from '../../../src/avro/check-schema.ts'
import { parseSchema } from '../../../src/avro/parse-schema.ts'

const record = (...fields: readonly unknown[]): object => ({ type: 'record', name: 'R', fields })
const field = (type: unknown, more: object = {}): object => record({ name: 'f', type, ...more })

test.each([
  ['no-type', {}, /"type" is missing/],
  ['null', null, /write "null" in quotes/],
  ['an-unknown-name', field({ type: 'array', items: 'Sku' }), /at fields\[0\].type.items: unknown type "Sku"/],
  [
    'a-name-outside-its-namespace',
    record({ name: 'a', type: { type: 'fixed', name: 'x.F', size: 1 } }, { name: 'b', type: 'F' }),
    /at fields\[1\].type: unknown type "F"/,
  ],
  ['a-bad-field-name', record({ name: 'a-b', type: 'int' }), /at fields\[0\]: field name "a-b"/],
  ['a-field-named-proto', record({ name: '__proto__', type: 'int' }), /__proto__/],
  [
    'a-field-twice',
    record({ name: 'a', type: 'int' }, { name: 'a', type: 'int' }),
    /at fields\[1\]: a second field "a"/,
  ],
  [
    'a-name-twice',
    [
      { type: 'fixed', name: 'F', size: 1 },
      { type: 'enum', name: 'F', symbols: ['A'] },
    ],
    /at \[1\]: the name "F" is defined twice/,
  ],
  ['a-branch-twice', ['int', { type: 'int', logicalType: 'date' }], /at \[1\]: a second branch "int"/],
  ['a-union-in-a-union', ['null', ['int']], /may not stand directly in a union/],
  ['an-empty-union', [], /at least one branch/],
  ['no-symbols', { type: 'enum', name: 'E', symbols: [] }, /"symbols"/],
  ['a-symbol-twice', { type: 'enum', name: 'E', symbols: ['A', 'A'] }, /"A" is used twice/],
  ['a-default-symbol-that-is-none', { type: 'enum', name: 'E', symbols: ['A'], default: 'B' }, /default "B"/],
  ['a-negative-size', { type: 'fixed', name: 'F', size: -1 }, /"size"/],
  ['a-name-of-avro', { type: 'fixed', name: 'int', size: 1 }, /belongs to Avro/],
  ['a-bad-namespace', { type: 'fixed', name: 'F', namespace: 'a..b', size: 1 }, /"a..b.F"/],
  ['a-wrong-default', field('int', { default: 'x' }), /at fields\[0\].default: expected int, found string "x"/],
  [
    'a-wrong-default-inside',
    field({ type: 'array', items: 'int' }, { default: [1, 'x'] }),
    /default \(\[1\]\): expected int/,
  ],
  ['a-default-of-no-branch', field(['null', 'int'], { default: 'x' }), /default: expected null or int/],
  [
    'date-on-string',
    field({ type: 'string', logicalType: 'date' }),
    /at fields\[0\].type: logical type date belongs on int/,
  ],
  ['decimal-without-precision', field({ type: 'bytes', logicalType: 'decimal' }), /"precision"/],
  [
    'decimal-scale-above-precision',
    field({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 }),
    /"scale" from 0 to its precision 2/,
  ],
  [
    'decimal-beyond-its-fixed',
    field({ type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5 }),
    /holds 4 digits/,
  ],
  ['bigint-on-int', field({ type: 'int', 'drawbridge.js': 'bigint' }), /"bigint" on a long/],
  ['text-that-is-no-json', '{"type":', /neither a primitive type nor JSON/],
])('%s-is-refused-with-its-place', (_, schema, message) => {
  expect(() => parseSchema(schema)).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA_INVALID', message: expect.stringMatching(message) }),
  )
})

test('endless-nesting-is-refused', () => {
  let schema: unknown = 'int'
  for (let level = 0; level < 300; level++) schema = { type: 'array', items: schema }
  expect(() => parseSchema(schema)).toThrow(/nested deeper/)
})

test('a-writers-logical-type-that-does-not-fit-is-ignored', () => {
  expect(parseSchema({ type: 'string', logicalType: 'date' }, 'foreign')).toEqual({ kind: 'string', logical: null })
  expect(parseSchema({ type: 'long', logicalType: 'time-micros' })).toEqual({ kind: 'long', logical: null })
})

test('names-resolve-as-avro-says', () => {
  const schema = {
    type: 'record',
    name: 'R',
    namespace: 'a.b',
    fields: [
      { name: 'own', type: { type: 'fixed', name: 'F', size: 1 } },
      {
        name: 'dotted',
        type: {
          type: 'record',
          name: 'c.S',

          fields: [{ name: 'x', type: { type: 'enum', name: 'E', symbols: ['A'] } }],
        },
      },
      { name: 'none', type: { type: 'fixed', name: 'G', namespace: '', size: 1 } },
      { name: 'again', type: ['F', 'c.E', 'c.S', { type: 'array', items: 'a.b.R' }] },
    ],
  }
  const node = checkSchema(schema)
  // avsc 5.7.9 takes the namespace beside a dotted name; Avro ignores it.
  expect(parseSchema({ type: 'fixed', name: 'a.F', namespace: 'b', size: 1 })).toMatchObject({ name: 'a.F' })
  const types = node.kind === 'record' ? node.fields.map(({ type }) => ('name' in type ? type.name : type.kind)) : []
  expect(types).toEqual(['a.b.F', 'c.S', 'G', 'union'])
})

test('what-only-we-would-take-is-refused-by-the-second-reader', () => {
  const schema = field(['null', 'int'], { default: 1 })
  expect(parseSchema(schema).kind).toBe('record')
  expect(() => checkSchema(schema)).toThrow(/found by avsc/)
})
