import avsc from 'avsc'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  canonicalSchema,
  checkCompatibility,
  COMPATIBILITY_LEVELS,
  isCompatible,
} from '../../../src/avro/compatibility.ts'
import { sampleArbitrary } from './random-schema.ts'

const record = (...fields: readonly unknown[]): unknown => ({ type: 'record', name: 'R', fields })
const field = (type: unknown, more: object = {}): unknown => record({ name: 'f', type, ...more })
const enumOf = (symbols: readonly string[], more: object = {}): unknown => ({
  type: 'enum',
  name: 'E',
  symbols,
  ...more,
})
const paths = (reader: unknown, writer: unknown): readonly string[] =>
  checkCompatibility(reader, writer).map(({ path }) => path)

describe('schema-resolution', () => {
  const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
  // Avro 1.12, "Schema Resolution".
  const promoted = [
    'int long',
    'int float',
    'int double',
    'long float',
    'long double',
    'float double',
    'string bytes',
    'bytes string',
  ]
  const pairs = primitives.flatMap((writer) => primitives.map((reader) => [writer, reader] as const))
  test.each(pairs)('%s-written-read-as-%s', (writer, reader) => {
    expect(checkCompatibility(reader, writer).length === 0).toBe(
      writer === reader || promoted.includes(`${writer} ${reader}`),
    )
  })

  test.each([
    ['a-field-without-default', record({ name: 'a', type: 'int' }), record(), ['a']],
    ['a-field-with-default', field('int', { default: 1 }), record(), []],
    ['a-removed-field', record(), field('int'), []],
    [
      'every-difference-is-listed',
      record({ name: 'a', type: 'int' }, { name: 'b', type: 'string' }, { name: 'c', type: 'int' }),
      record({ name: 'b', type: 'int' }, { name: 'c', type: 'int' }),
      ['a', 'b'],
    ],
    [
      'inside-arrays-and-maps',
      field({ type: 'array', items: { type: 'map', values: 'int' } }),
      field({ type: 'array', items: { type: 'map', values: 'string' } }),
      ['f[]{}'],
    ],
    ['a-field-alias', field('int', { aliases: ['g'] }), record({ name: 'g', type: 'int' }), []],
    ['another-name', { type: 'record', name: 'S', fields: [] }, record(), ['']],
    ['another-name-with-alias', { type: 'record', name: 'S', aliases: ['R'], fields: [] }, record(), []],
    ['another-namespace', { type: 'record', name: 'x.R', fields: [] }, { type: 'record', name: 'y.R', fields: [] }, []],
    ['a-missing-symbol', field(enumOf(['A'])), field(enumOf(['A', 'B'])), ['f']],
    ['a-missing-symbol-with-default', field(enumOf(['A'], { default: 'A' })), field(enumOf(['A', 'B'])), []],
    ['an-added-symbol', field(enumOf(['A', 'B'])), field(enumOf(['A'])), []],
    ['another-fixed-size', { type: 'fixed', name: 'F', size: 2 }, { type: 'fixed', name: 'F', size: 3 }, ['']],
    ['into-a-union', field(['null', 'long']), field('int'), []],
    ['into-a-union-without-the-branch', field(['null', 'long']), field('string'), ['f']],
    ['out-of-a-union', field('string'), field(['null', 'string']), ['f']],
    ['out-of-a-union-that-fits', field('double'), field(['int', 'long']), []],
    ['a-union-with-fewer-branches', field(['null']), field(['null', 'string']), ['f']],
    [
      'decimals-of-another-scale',
      field({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }),
      field({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 1 }),
      ['f'],
    ],
    ['a-logical-type-on-what-was-plain', field({ type: 'long', logicalType: 'timestamp-millis' }), field('long'), []],
    [
      'millis-for-micros',
      field({ type: 'long', logicalType: 'timestamp-millis' }),
      field({ type: 'long', logicalType: 'timestamp-micros' }),
      ['f'],
    ],
  ])('%s', (_, reader, writer, expected) => {
    expect(paths(reader, writer)).toEqual(expected)
  })

  test('recursion-ends-and-differences-within-it-are-found', () => {
    const tree = (type: string): unknown => ({
      type: 'record',
      name: 'T',
      fields: [
        { name: 'v', type },
        { name: 'kids', type: { type: 'array', items: ['null', 'T'] } },
      ],
    })
    expect(paths(tree('long'), tree('int'))).toEqual([])
    expect(paths(tree('int'), tree('long'))).toContain('v')
  })

  test('many-unions-over-the-same-records-take-no-exponential-time', () => {
    const chain = (last: string): unknown => {
      const level = (n: number): unknown =>
        n === 0
          ? last
          : {
              type: 'record',
              name: `R${n}`,
              fields: [
                { name: 'a', type: ['null', level(n - 1)] },
                { name: 'b', type: ['null', n === 1 ? last : `R${n - 1}`] },
                { name: 'c', type: ['null', n === 1 ? last : `R${n - 1}`] },
              ],
            }
      return level(40)
    }
    const started = performance.now()
    expect(paths(chain('int'), chain('int'))).toEqual([])
    expect(paths(chain('int'), chain('string')).length).toBeGreaterThan(0)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('whatever-avsc-can-resolve-is-compatible', () => {
    fc.assert(
      fc.property(sampleArbitrary(), sampleArbitrary(), ({ schema: reader }, { schema: writer }) => {
        if (checkCompatibility(reader, writer).length === 0) return
        const [readerType, writerType] = [reader, writer].map((schema) =>
          avsc.Type.forSchema(structuredClone(schema) as avsc.Schema),
        )
        expect(() => readerType?.createResolver(writerType as avsc.Type, { ignoreNamespaces: true })).toThrow()
      }),
      { numRuns: 200 },
    )
  })

  test('every-schema-reads-itself', () => {
    fc.assert(
      fc.property(sampleArbitrary(), ({ schema }) => {
        expect(checkCompatibility(schema, schema)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})

describe('levels', () => {
  const plain = field('int')
  const wider = record({ name: 'f', type: 'int' }, { name: 'g', type: 'int', default: 0 })
  const demanding = record({ name: 'f', type: 'int' }, { name: 'g', type: 'int' })
  const text = field('string')
  const allowed = (next: unknown, earlier: readonly unknown[]): readonly string[] =>
    COMPATIBILITY_LEVELS.filter((level) => isCompatible(level, next, earlier).compatible)

  test.each([
    ['the-first-schema', plain, [], [...COMPATIBILITY_LEVELS]],
    ['a-field-with-default', wider, [plain], [...COMPATIBILITY_LEVELS]],
    ['a-field-without-default', demanding, [plain], ['NONE', 'FORWARD', 'FORWARD_TRANSITIVE']],
    ['a-removed-field', plain, [demanding], ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE']],
    ['another-type', text, [plain], ['NONE']],
    ['the-latest-fits-but-an-earlier-one-does-not', plain, [text, plain], ['NONE', 'BACKWARD', 'FORWARD', 'FULL']],
  ])('%s', (_, next, earlier, expected) => {
    expect(allowed(next, earlier)).toEqual(expected)
  })

  test('a-difference-says-direction-and-schema', () => {
    const { differences } = isCompatible('FULL', text, [plain])
    expect(differences.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      "f: the new schema cannot read schema 1: the writer's int cannot be read as string",
      "f: the new schema cannot be read by schema 1: the writer's string cannot be read as int",
    ])
  })
})

test('canonical-schemas-are-equal-but-for-white-space', () => {
  expect(canonicalSchema('{ "type" : "string",\n "doc": "x" }')).toBe(canonicalSchema({ type: 'string', doc: 'x' }))
  expect(canonicalSchema({ type: 'string', doc: 'x' })).not.toBe(canonicalSchema({ type: 'string', doc: 'y' }))
  expect(canonicalSchema('string')).toBe('"string"')
  expect(canonicalSchema('"string"')).toBe('"string"')
})
