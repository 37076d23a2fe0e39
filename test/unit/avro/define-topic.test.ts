import { expect, test } from '@jest/globals'
import { defineTopic } from '../../../src/avro/define-topic.ts'
import type { Topic } from '../../../src/core/topic.ts'

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
type ValueOf<T> = T extends Topic<infer V> ? V : never
function assertType<_ extends true>(): void {}

const text = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: ['null', 'int'] },
  ],
} as const

test('an-inline-schema-types-the-topic-and-its-key-function', () => {
  const topic = defineTopic({
    name: 'shop.orders',
    value: {
      type: 'record',
      name: 'Order',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } },
      ],
    },
    key: (order) => order.id,
    partitions: 6,
  })
  assertType<Equal<ValueOf<typeof topic>, { id: string; state: 'NEW' | 'PAID' }>>()
  expect(topic).toMatchObject({ name: 'shop.orders', partitions: 6, compact: false })
  expect(topic.key?.({ id: 'a', state: 'NEW' })).toBe('a')
})

test('a-compact-topic-has-null-values-that-its-key-function-never-sees', () => {
  const topic = defineTopic({ name: 't', value: text, key: (value) => value.id, compact: true })
  assertType<Equal<ValueOf<typeof topic>, { id: string; n: number | null } | null>>()
  expect(() => topic.key?.(null)).toThrow(expect.objectContaining({ code: 'ERR_VALUE_INVALID' }))
})

test('bytes-topics-hold-buffers', () => {
  const topic = defineTopic({ name: 't', value: 'bytes' })
  assertType<Equal<ValueOf<typeof topic>, Buffer>>()
  expect(topic.value).toBe('bytes')
})

test('a-wrong-key-function-does-not-compile', () => {
  // @ts-expect-error a key is text, bytes or null, not a boolean
  const wrongResult = defineTopic({ name: 't', value: text, key: (value) => value.id === 'a' })
  // @ts-expect-error the value is a record with a text id, not a number
  const wrongField = defineTopic({ name: 't', value: text, key: (value: { id: number }) => String(value.id) })
  // @ts-expect-error a nullable number is no key
  const wrongType = defineTopic({ name: 't', value: text, key: (value) => value.n })
  expect([wrongResult, wrongField, wrongType]).toHaveLength(3)
})

test('the-schemas-own-key-field-is-the-key-unless-a-function-is-given', () => {
  const schema = { ...text, 'drawbridge.key': 'id' } as const
  expect(defineTopic({ name: 't', value: schema }).key?.({ id: 'k', n: null })).toBe('k')
  expect(defineTopic({ name: 't', value: schema, key: () => 'mine' }).key?.({ id: 'k', n: null })).toBe('mine')
  const nullable = defineTopic({ name: 't', value: { ...text, 'drawbridge.key': 'n' } })
  expect([nullable.key?.({ id: '', n: 5 }), nullable.key?.({ id: '', n: null })]).toEqual(['5', null])
  expect(defineTopic({ name: 't', value: text }).key).toBeUndefined()
  expect(() => defineTopic({ name: 't', value: { ...text, 'drawbridge.key': 'x' } })).toThrow(/no field of the record/)
})

test.each([
  ['a-bad-name', { name: 'a b', value: text }, 'ERR_CONFIG'],
  ['a-reserved-name', { name: 'drawbridge.x', value: text }, 'ERR_CONFIG'],
  ['no-partitions', { name: 't', value: text, partitions: 0 }, 'ERR_CONFIG'],
  ['too-many-partitions', { name: 't', value: text, partitions: 10_001 }, 'ERR_CONFIG'],
  ['half-a-partition', { name: 't', value: text, partitions: 1.5 }, 'ERR_CONFIG'],
  [
    'a-bad-schema',
    { name: 't', value: { type: 'record', name: 'R', fields: [{ name: 'a', type: 'unknown' }] } },
    'ERR_SCHEMA_INVALID',
  ],
])('%s-is-refused', (_, declaration, code) => {
  expect(() => defineTopic(declaration as Parameters<typeof defineTopic>[0])).toThrow(expect.objectContaining({ code }))
})
