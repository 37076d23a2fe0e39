import fc from 'fast-check'

/** A second reading and writing of the stream protocol's bodies, by their grammar (PROTOCOL.adoc), to check ours against. */
export type Kind = 'u8' | 'u16' | 'u32' | 'u64' | 'string' | 'strings' | 'map' | 'offset'
export type Value = number | bigint | string | readonly string[] | Readonly<Record<string, string>> | object

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const OFFSETS = ['none', 'first', 'last', 'next'] as const
const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

export const ANY = {
  u8: fc.nat(255),
  u16: fc.nat(65_535),
  u32: fc.nat(0xffffffff),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  string: text,
  strings: fc.array(text, { maxLength: 5 }),
  map: fc.dictionary(text, text, { maxKeys: 5, noNullPrototype: true }),
  offset: fc.oneof(
    fc.constantFrom(...OFFSETS),
    safe.map((offset) => ({ offset })),
    safe.map((timestamp) => ({ timestamp })),
  ),
} as const

/** Reads the body; throws where bytes are missing or left over. */
export function decode(body: Buffer, kinds: readonly Kind[]): readonly unknown[] {
  let at = 0
  const take = (bytes: number) => {
    if (at + bytes > body.length) throw new Error('too short')
    at += bytes
    return body.subarray(at - bytes, at)
  }
  const string = () => take(take(2).readInt16BE()).toString('utf8')
  const many = <T>(each: () => T) => Array.from({ length: take(4).readUInt32BE() }, each)
  const readers: Readonly<Record<Kind, () => unknown>> = {
    u8: () => take(1).readUInt8(),
    u16: () => take(2).readUInt16BE(),
    u32: () => take(4).readUInt32BE(),
    u64: () => take(8).readBigUInt64BE(),
    string,
    strings: () => many(string),
    map: () => Object.fromEntries(many(() => [string(), string()])),
    offset() {
      const type = take(2).readUInt16BE()
      if (type < OFFSETS.length) return OFFSETS[type]
      return type === 4
        ? { offset: Number(take(8).readBigUInt64BE()) }
        : { timestamp: Number(take(8).readBigInt64BE()) }
    },
  }
  const values = kinds.map((kind) => readers[kind]())
  if (at !== body.length) throw new Error(`${body.length - at} bytes too many`)
  return values
}

const sized = (width: 1 | 2 | 4, value: number) => {
  const bytes = Buffer.alloc(width)
  bytes.writeUIntBE(value, 0, width)
  return bytes
}

export const WRITE = {
  u8: (value: number) => sized(1, value),
  u16: (value: number) => sized(2, value),
  u32: (value: number) => sized(4, value),
  u64(value: bigint) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(value)
    return bytes
  },
  string: (value: string) => Buffer.concat([sized(2, Buffer.byteLength(value)), Buffer.from(value)]),
  many: (parts: readonly Buffer[]) => Buffer.concat([sized(4, parts.length), ...parts]),
} as const
