import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { jsonToValue, textToValue, valueToJson, valueToText } from '../../../src/avro/json.ts'
import { parseSchema } from '../../../src/avro/parse-schema.ts'
import { schemaAndValue } from './random-schema.ts'

const date = { type: 'int', logicalType: 'date' }
const millis = { type: 'long', logicalType: 'timestamp-millis' }
const micros = { type: 'long', logicalType: 'timestamp-micros' }
const decimal = { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }
const bigint = { type: 'long', 'drawbridge.js': 'bigint' }
const uuid = { type: 'string', logicalType: 'uuid' }
const record = (...fields: readonly unknown[]): object => ({ type: 'record', name: 'shop.R', fields })

/** Every scalar with a generator of its values. */
const scalars: readonly (readonly [string, unknown, fc.Arbitrary<unknown>])[] = [
  ['boolean', 'boolean', fc.boolean()],
  ['int', 'int', fc.integer()],
  ['long', 'long', fc.maxSafeInteger()],
  ['bigint', bigint, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['float', 'float', fc.float()],
  ['double', 'double', fc.double()],
  ['string', 'string', fc.oneof(fc.string(), fc.stringMatching(/^"{0,5}$/))],
  ['enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, fc.constantFrom('A', 'B')],
  ['bytes', 'bytes', fc.uint8Array().map((bytes) => Buffer.from(bytes))],
  [
    'date',
    date,
    fc
      .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((day) => day.toISOString().slice(0, 10)),
  ],
  ['timestamp-millis', millis, fc.date({ noInvalidDate: true })],
  ['timestamp-micros', micros, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [
    'decimal',
    decimal,
    fc.integer({ min: -999_999_999, max: 999_999_999 }).map((n) => jsonToValue(decimal, (n / 100).toFixed(2))),
  ],
  ['uuid', uuid, fc.uuid()],
  ['null', 'null', fc.constant(null)],
]

describe('round-trips-are-exact', () => {
  test.each(scalars)('%s-as-text-and-json-alone-nullable-and-in-a-record', (_, schema, values) => {
    const nullable = schema === 'null' ? schema : ['null', schema]
    const inRecord = record({ name: 'f', type: nullable })
    fc.assert(
      fc.property(values, (value) => {
        expect(textToValue(schema, valueToText(schema, value))).toStrictEqual(value)
        expect(textToValue(nullable, valueToText(nullable, value))).toStrictEqual(value)
        // JSON has no negative zero.
        const plain = Object.is(value, -0) ? 0 : value
        const throughJson = (type: unknown, given: unknown): unknown =>
          jsonToValue(type, JSON.parse(JSON.stringify(valueToJson(type, given))))
        expect(throughJson(schema, plain)).toStrictEqual(plain)
        expect(throughJson(inRecord, { f: plain })).toStrictEqual({ f: plain })
      }),
    )
    expect(valueToText(nullable, null)).toBe('')
    expect(textToValue(nullable, '')).toBeNull()
  })

  test('random-values-of-random-schemas', () => {
    fc.assert(
      fc.property(schemaAndValue, ({ schema, value }) => {
        expect(jsonToValue(schema, valueToJson(schema, value))).toStrictEqual(value)
        const text = valueToText(schema, value)
        expect(valueToText(schema, textToValue(schema, text))).toBe(text)
      }),
      { numRuns: 400 },
    )
  })

  test('the-numbers-of-every-airport', () => {
    const csv = readFileSync('node_modules/vega-datasets/data/airports.csv', 'utf8')
    const rows = parse<Record<string, string>>(csv, { columns: true })
    const airport = parseSchema(readFileSync('schemas/demo/airport.avsc', 'utf8'))
    const fields = airport.kind === 'record' ? airport.fields : []
    expect(rows).toHaveLength(3376)
    expect(fields.map((field) => field.name)).toEqual(Object.keys(rows[0] ?? {}))
    const changed = rows.filter((row) =>
      fields.some(({ name, type }) => {
        const value = textToValue(type, row[name] ?? '')
        const back = textToValue(type, valueToText(type, value))
        return !Object.is(back, value) || row[name] === ''
      }),
    )
    expect(changed).toEqual([])
    // Most rows come back to the letter, too; the others have a trailing zero or more digits than a double.
    expect(
      rows.filter((row) => valueToText('double', textToValue('double', row.latitude ?? '')) === row.latitude).length,
    ).toBeGreaterThan(3300)
  })
})

describe('forms-in-json', () => {
  test.each([
    ['bytes', 'bytes', Buffer.from('ab'), { base64: 'YWI=' }],
    ['a-long-beyond-safe-integers', bigint, 2n ** 60n, '1152921504606846976'],
    ['a-small-bigint', bigint, 5n, 5],
    ['millis', millis, new Date(1), '1970-01-01T00:00:00.001Z'],
    ['micros', micros, -1n, '1969-12-31T23:59:59.999999Z'],
    ['decimal', decimal, '12.50', '12.50'],
    ['nan', 'double', Number.NaN, 'NaN'],
    ['a-plain-union', ['null', 'string', 'int'], 'a', 'a'],
    ['a-wrapped-union', ['int', 'double'], { double: 1 }, { double: 1 }],
    ['a-union-that-only-json-cannot-tell-apart', ['string', millis], new Date(0), { long: '1970-01-01T00:00:00.000Z' }],
    ['bytes-beside-a-record', ['bytes', record()], Buffer.from('ab'), { bytes: { base64: 'YWI=' } }],
    ['a-key-named-proto', { type: 'map', values: 'int' }, JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
  ])('%s', (_, schema, value, json) => {
    expect(valueToJson(schema, value)).toStrictEqual(json)
    expect(jsonToValue(schema, json)).toStrictEqual(value)
  })

  test.each([
    ['millis-as-a-number', millis, 5, new Date(5)],
    ['millis-with-an-offset', millis, '2026-01-01T02:00:00+02:00', new Date('2026-01-01T00:00:00Z')],
    ['micros-as-text-of-a-number', micros, '-7', -7n],
    ['micros-with-three-digits', micros, '1970-01-01T00:00:00.001Z', 1000n],
    ['a-decimal-as-a-number', decimal, 12.5, '12.50'],
    ['a-long-as-text', 'long', '42', 42],
    [
      'a-missing-field-takes-its-default',
      record({ name: 'a', type: { type: 'array', items: 'int' }, default: [1] }),
      {},
      { a: [1] },
    ],
    [
      'a-nested-default',
      record({ name: 'a', type: record({ name: 'b', type: 'int', default: 7 }) }),
      { a: {} },
      { a: { b: 7 } },
    ],
  ])('also-taken-is-%s', (_, schema, json, value) => {
    const unique = JSON.parse(
      JSON.stringify(schema).replace(
        /"type":\{"type":"record","name":"shop.R"/,
        '"type":{"type":"record","name":"shop.Inner"',
      ),
    ) as unknown
    expect(jsonToValue(unique, json)).toStrictEqual(value)
  })

  test.each([
    [
      'a-missing-field',
      record({
        name: 'a',
        type: { type: 'array', items: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'int' }] } },
      }),
      { a: [{ x: 1 }, {}] },
      /^a\[1\].x: expected int.*nothing/,
    ],
    [
      'an-unknown-field',
      record({ name: 'a', type: 'int' }),
      { a: 1, b: 2 },
      /^b: no such field in record shop.R; its fields are a/,
    ],
    ['an-inherited-field', record({ name: 'toString', type: 'string' }), {}, /^toString: expected string/],
    ['a-time-without-zone', millis, '2026-01-01T00:00:00', /ISO time with zone/],
    ['a-time-that-would-be-cut', millis, '2026-01-01T00:00:00.0001Z', /whole milliseconds/],
    ['no-such-month', millis, '2026-13-01T00:00:00Z', /ISO time/],
    ['bad-base64', 'bytes', { base64: 'a' }, /base64/],
    ['another-size', { type: 'fixed', name: 'F', size: 2 }, { base64: 'YQ==' }, /2 bytes/],
    ['an-int-too-large', 'int', 2 ** 31, /int \(32 bits\)/],
    ['a-bigint-too-large', bigint, '9223372036854775808', /64 bits/],
    ['an-unsafe-long', 'long', '9007199254740993', /safe integer/],
    ['no-branch', ['int', 'double'], 5, /"branch"/],
  ])('%s-is-refused', (_, schema, json, message) => {
    expect(() => jsonToValue(schema, json)).toThrow(
      expect.objectContaining({ code: 'ERR_VALUE_INVALID', message: expect.stringMatching(message) }),
    )
  })

  test('endless-nesting-is-refused', () => {
    const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
    let json: unknown = null
    for (let level = 0; level < 100_000; level++) json = { next: json }
    expect(() => jsonToValue(list, json)).toThrow(expect.objectContaining({ code: 'ERR_VALUE_INVALID' }))
  })
})

test.each([
  [
    'a-wrong-scalar',
    record({ name: 'a', type: { type: 'array', items: 'int' } }),
    { a: [1, 'x'] },
    /^a\[1\]: expected int/,
  ],
  ['a-missing-field', record({ name: 'a', type: millis }), {}, /^a: expected timestamp-millis/],
  [
    'an-invalid-date',
    record({ name: 'a', type: millis }),
    { a: new Date(Number.NaN) },
    /^a: expected timestamp-millis/,
  ],
  ['no-branch', ['null', 'int'], 'x', /expected (null or )?int/],
])('%s-has-no-json-and-no-text', (_, schema, value, message) => {
  const refusal = expect.objectContaining({ code: 'ERR_VALUE_INVALID', message: expect.stringMatching(message) })
  expect(() => valueToJson(schema, value)).toThrow(refusal)
  expect(() => valueToText(schema, value)).toThrow(refusal)
})

describe('text-of-a-cell', () => {
  test.each([
    ['spaces-around-numbers', 'double', ' 1.5 ', 1.5],
    ['an-exponent', 'double', '1e-7', 1e-7],
    ['booleans-in-capitals', 'boolean', 'TRUE', true],
    ['spaces-in-texts-stay', 'string', ' a ', ' a '],
    ['parts-as-json', { type: 'array', items: 'int' }, '[1,2]', [1, 2]],
    ['the-empty-text-of-a-nullable-string', ['null', 'string'], '""', ''],
    ['quotes-that-are-text', ['null', 'string'], '"a"', '"a"'],
    ['infinity', 'double', '-Infinity', Number.NEGATIVE_INFINITY],
    ['infinity-of-a-float', 'float', 'Infinity', Number.POSITIVE_INFINITY],
    ['the-largest-float', 'float', '3.4028234663852886e38', 3.4028234663852886e38],
    ['infinity-in-json', { type: 'array', items: 'double' }, '["Infinity"]', [Number.POSITIVE_INFINITY]],
    ['a-decimal', decimal, '12.5', '12.50'],
  ])('%s', (_, schema, text, value) => {
    expect(textToValue(schema, text)).toStrictEqual(value)
  })

  test.each([
    ['no-number', 'double', 'abc', /expected double/],
    ['hexadecimal', 'double', '0x10', /expected double/],
    ['beyond-a-double', 'double', '1e400', /expected double, which does not reach that far/],
    ['below-a-double', ['null', 'double'], '-1e400', /expected double, which does not reach that far/],
    ['beyond-a-float', 'float', '1e39', /expected float, which does not reach that far/],
    ['infinity-in-another-form', 'double', '+Infinity', /expected double/],
    ['beyond-a-double-in-json', { type: 'array', items: 'double' }, '[1e400]', /beyond the range of a double/],
    ['an-empty-number', 'int', '', /expected int/],
    ['a-fraction', 'int', '1.0', /expected int/],
    ['yes', 'boolean', 'yes', /true or false/],
    ['no-json', { type: 'array', items: 'int' }, '[1', /expected JSON text/],
    ['a-bad-part', { type: 'array', items: 'int' }, '["a"]', /^\[0\]: expected int/],
  ])('%s-is-refused', (_, schema, text, message) => {
    expect(() => textToValue(schema, text)).toThrow(
      expect.objectContaining({ code: 'ERR_VALUE_INVALID', message: expect.stringMatching(message) }),
    )
  })
})

test('a-number-beyond-the-range-is-refused-and-infinity-is-text', () => {
  expect(() => jsonToValue('double', JSON.parse('1e400'))).toThrow(/does not reach that far/)
  expect(() => jsonToValue('float', 1e39)).toThrow(/does not reach that far/)
  expect(jsonToValue('double', '-Infinity')).toBe(Number.NEGATIVE_INFINITY)
  expect(jsonToValue('float', 1.5)).toBe(1.5)
})
