import fc from 'fast-check'
import rhea from 'rhea'
import type { AmqpValue } from '../../../../../src/backends/rabbitmq/protocol/amqp.ts'

/** What rhea is to write, and what we are to read of it. */
export interface Typed {
  readonly wrapped: unknown
  readonly expected: AmqpValue
}

interface RheaWriter {
  write(value: unknown): void
  toBuffer(): Buffer
}

interface RheaTypes {
  readonly Writer: new () => RheaWriter
  wrap(value: unknown): unknown
}

/** The typings of rhea leave the writer out. */
const internals = rhea.types as unknown as RheaTypes

export function writeTyped(value: unknown): Buffer {
  const writer = new internals.Writer()
  writer.write(value)
  return Buffer.from(writer.toBuffer())
}

const { types } = rhea
const text = fc.string({ unit: 'grapheme', maxLength: 300 })
const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 300 })

function scalar<T>(arbitrary: fc.Arbitrary<T>, wrap: (value: T) => unknown, expected: (value: T) => AmqpValue) {
  return arbitrary.map((value): Typed => ({ wrapped: wrap(value), expected: expected(value) }))
}

const same = <T extends AmqpValue>(value: T): AmqpValue => value
const integer = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const natural = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })

const scalars = fc.oneof(
  fc.constant<Typed>({ wrapped: internals.wrap(null), expected: null }),
  scalar(fc.boolean(), types.wrap_boolean, same),
  scalar(natural(8), types.wrap_ubyte, same),
  scalar(natural(16), types.wrap_ushort, same),
  scalar(natural(32), types.wrap_uint, same),
  scalar(fc.maxSafeNat(), types.wrap_ulong, same),
  scalar(integer(8), types.wrap_byte, same),
  scalar(integer(16), types.wrap_short, same),
  scalar(integer(32), types.wrap_int, same),
  scalar(fc.maxSafeInteger(), types.wrap_long, same),
  scalar(fc.float({ noNaN: true }), types.wrap_float, same),
  scalar(fc.double({ noNaN: true }), types.wrap_double, same),
  scalar(fc.integer({ min: 0, max: 2 ** 48 }), types.wrap_timestamp, (ms) => ({ kind: 'timestamp', ms })),
  scalar(
    fc.uint8Array({ maxLength: 300 }),
    (bytes) => types.wrap_binary(Buffer.from(bytes)),
    (bytes) => Buffer.from(bytes),
  ),
  scalar(text, types.wrap_string, same),
  scalar(ascii, types.wrap_symbol, (text) => ({ kind: 'symbol', text })),
)

/** Any value of a type that rhea can write, compounds nested. */
export const typed: fc.Arbitrary<Typed> = fc.letrec<{ any: Typed; compound: Typed }>((tie) => ({
  any: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalars, tie('compound')),
  compound: fc.oneof(
    fc.array(tie('any'), { maxLength: 5 }).map(
      (items): Typed => ({
        wrapped: types.wrap_list(items.map(({ wrapped }) => wrapped)),
        expected: { kind: 'list', items: items.map(({ expected }) => expected) },
      }),
    ),
    fc.uniqueArray(fc.tuple(text, tie('any')), { maxLength: 5, selector: ([key]) => key }).map(
      (pairs): Typed => ({
        wrapped: types.wrap_map(Object.fromEntries(pairs.map(([key, { wrapped }]) => [key, wrapped]))),
        expected: {
          kind: 'map',
          pairs: Object.keys(Object.fromEntries(pairs)).map((key) => [
            key,
            pairs.find(([each]) => each === key)?.[1].expected ?? null,
          ]),
        },
      }),
    ),
  ),
})).any
