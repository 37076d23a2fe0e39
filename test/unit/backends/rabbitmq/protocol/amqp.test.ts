import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import rhea from 'rhea'
import { type AmqpValue, amqpText, readAmqp } from '../../../../../src/backends/rabbitmq/protocol/amqp.ts'
import { createCursor } from '../../../../../src/backends/rabbitmq/protocol/wire.ts'
import { typed, writeTyped } from './rhea.ts'

const RUNS = { numRuns: 500 }

function read(bytes: Buffer): AmqpValue {
  const cursor = createCursor(bytes)
  const value = readAmqp(cursor)
  expect(cursor.left()).toBe(0)
  return value
}

describe('AMQP 1.0 values', () => {
  it('what-rhea-writes-is-read-as-it-was-meant', () => {
    fc.assert(
      fc.property(typed, ({ wrapped, expected }) => {
        expect(read(writeTyped(wrapped))).toEqual(expected)
      }),
      RUNS,
    )
  })

  it('a-value-cut-anywhere-is-refused-and-never-read-beyond', () => {
    fc.assert(
      fc.property(typed, ({ wrapped }) => {
        const bytes = writeTyped(wrapped)
        for (let length = 0; length < bytes.length; length++)
          expect(() => readAmqp(createCursor(bytes.subarray(0, length)))).toThrow(/malformed/)
      }),
      { numRuns: 100 },
    )
  })

  it('random-bytes-are-a-value-or-refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(typeof amqpText(readAmqp(createCursor(Buffer.from(bytes))))).toBe('string')
        } catch (error) {
          expect(String(error)).toMatch(/malformed/)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('claimed-counts-and-depths-cost-nothing', () => {
    const claims = [
      [0xd0, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
      [0xd0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff],
      [0xf0, 0, 0, 0, 5, 0x7f, 0xff, 0xff, 0xff, 0x40],
      [0xb0, 0x7f, 0xff, 0xff, 0xff, 1],
      [0xf0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0x53, 0x01, 0],
    ]
    for (const bytes of claims) expect(() => readAmqp(createCursor(Buffer.from(bytes)))).toThrow(/malformed/)
    const deep = Buffer.alloc(100_000, 0)
    expect(() => readAmqp(createCursor(deep))).toThrow(/malformed/)
  })

  it('every-value-has-a-text', () => {
    const texts: readonly (readonly [unknown, string])[] = [
      [rhea.types.wrap_long(-5), '-5'],
      [rhea.types.wrap_boolean(false), 'false'],
      [rhea.types.wrap_double(1.5), '1.5'],
      [rhea.types.wrap_timestamp(1_700_000_000_000), '2023-11-14T22:13:20.000Z'],
      [rhea.types.wrap_symbol('sym'), 'sym'],
      [rhea.types.wrap_list(['a', 1, null]), '["a",1,null]'],
      [rhea.types.wrap_map({ a: rhea.types.wrap_list([true]) }), '{"a":[true]}'],
      [rhea.types.wrap_binary(Buffer.from('é')), 'é'],
    ]
    for (const [value, text] of texts) expect(amqpText(read(writeTyped(value)))).toBe(text)
  })
})
