import { expect, test } from '@jest/globals'
import type { AvroSchema, AvroValue } from '../../../src/avro/infer.ts'

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
/** Compiles only if the argument type is true: `npm run check` is what makes these tests fail. */
function assertType<_ extends true>(): void {}

type Flat<T> = { [K in keyof T]: T[K] }

test('primitives-records-and-containers-are-inferred', () => {
  const schema = {
    type: 'record',
    name: 'shop.Order',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'n', type: 'int' },
      { name: 'l', type: 'long' },
      { name: 'big', type: { type: 'long', 'drawbridge.js': 'bigint' } },
      { name: 'ok', type: 'boolean', default: true },
      { name: 'raw', type: 'bytes' },
      { name: 'none', type: 'null' },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      { name: 'counts', type: { type: 'map', values: 'double' } },
      { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } },
      { name: 'hash', type: { type: 'fixed', name: 'Md5', size: 16 } },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'again', type: 'shop.State' },
      { name: 'short', type: 'State' },
      { name: 'wrappedPrimitive', type: { type: 'string' } },
    ],
  } as const
  interface Order {
    id: string
    n: number
    l: number
    big: bigint
    ok: boolean
    raw: Buffer
    none: null
    tags: string[]
    counts: Record<string, number>
    state: 'NEW' | 'PAID'
    hash: Buffer
    note: string | null
    again: 'NEW' | 'PAID'
    short: 'NEW' | 'PAID'
    wrappedPrimitive: string
  }
  assertType<Equal<Flat<AvroValue<typeof schema>>, Flat<Order>>>()
  expect(schema.fields).toHaveLength(15)
})

test('logical-types-are-inferred', () => {
  const schema = {
    type: 'record',
    name: 'L',
    fields: [
      { name: 'day', type: { type: 'int', logicalType: 'date' } },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
      {
        name: 'fixedPrice',
        type: { type: 'fixed', name: 'P', size: 8, logicalType: 'decimal', precision: 9, scale: 2 },
      },
      { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
      { name: 'other', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    ],
  } as const
  interface L {
    day: string
    at: Date
    micros: bigint
    price: string
    fixedPrice: string
    id: string
    other: number
  }
  assertType<Equal<Flat<AvroValue<typeof schema>>, Flat<L>>>()
  expect(schema.name).toBe('L')
})

test('unions-are-plain-when-kinds-differ-and-wrapped-when-two-are-the-same', () => {
  assertType<Equal<AvroValue<readonly ['null', 'string', 'int']>, string | number | null>>()
  assertType<Equal<AvroValue<readonly ['null', 'int', 'double']>, { int: number } | { double: number } | null>>()
  assertType<
    Equal<
      AvroValue<readonly ['string', { readonly type: 'int'; readonly logicalType: 'date' }]>,
      { string: string } | { int: string }
    >
  >()
  const schema = {
    type: 'record',
    name: 'a.b.Pet',
    fields: [
      {
        name: 'animal',
        type: [
          'null',
          { type: 'record', name: 'Dog', fields: [{ name: 'bark', type: 'int' }] },
          { type: 'record', name: 'x.Cat', fields: [{ name: 'friend', type: ['null', 'Cat', 'a.b.Pet'] }] },
        ],
      },
    ],
  } as const
  type Animal = AvroValue<typeof schema>['animal']
  const dog: Animal = { 'a.b.Dog': { bark: 1 } }
  const cat: Animal = { 'x.Cat': { friend: { 'x.Cat': { friend: { 'a.b.Pet': { animal: null } } } } } }
  // @ts-expect-error the branch of a wrapped union has to be named in full
  const short: Animal = { Dog: { bark: 1 } }
  expect([dog, cat, short]).toHaveLength(3)
})

test('recursion-and-namespace-inheritance-are-inferred', () => {
  const tree = {
    type: 'record',
    name: 'Node',
    namespace: 'tree',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'children', type: { type: 'array', items: 'Node' } },
      { name: 'parent', type: ['null', 'tree.Node'] },
      { name: 'kind', type: { type: 'enum', name: 'Kind', namespace: 'other', symbols: ['LEAF'] } },
      { name: 'again', type: 'other.Kind' },
    ],
  } as const
  type Tree = AvroValue<typeof tree>
  const leaf: Tree = { value: 1, children: [], parent: null, kind: 'LEAF', again: 'LEAF' }
  const root: Tree = { value: 0, children: [leaf], parent: leaf, kind: 'LEAF', again: 'LEAF' }
  assertType<Equal<Tree['children'][number]['children'][number]['value'], number>>()
  // @ts-expect-error a child is a node, not a number
  const wrong: Tree = { value: 0, children: [1], parent: null, kind: 'LEAF', again: 'LEAF' }
  expect([root, wrong]).toHaveLength(2)
})

test('a-schema-known-only-as-json-gives-unknown', () => {
  assertType<Equal<AvroValue<string>, unknown>>()
  assertType<Equal<AvroValue<AvroSchema>, unknown>>()
  expect(true).toBe(true)
})
