/** Writes Kafka's primitive types (Kafka protocol guide, "Protocol Primitive Types") into one growing buffer. */
export interface ByteWriter {
  int8(value: number): void
  int16(value: number): void
  int32(value: number): void
  int64(value: number | bigint): void
  boolean(value: boolean): void
  string(value: string | null): void
  bytes(value: Buffer | null): void
  /** Without a length. */
  raw(value: Buffer): void
  array<T>(items: readonly T[] | null, write: (item: T) => void): void
  uvarint(value: number): void
  compactString(value: string): void
  /** No tagged fields. */
  noTags(): void
  done(): Buffer
}

const FIRST_BYTES = 256
const UINT32 = 2 ** 32

export function createWriter(size = FIRST_BYTES): ByteWriter {
  let buffer = Buffer.allocUnsafe(size)
  let at = 0

  function room(bytes: number): number {
    if (at + bytes > buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes))
      buffer.copy(grown, 0, 0, at)
      buffer = grown
    }
    at += bytes
    return at - bytes
  }

  const writer: ByteWriter = {
    // The place comes first everywhere: making room may put another buffer in the old one's stead.
    int8(value) {
      const place = room(1)
      buffer.writeInt8(value, place)
    },
    int16(value) {
      const place = room(2)
      buffer.writeInt16BE(value, place)
    },
    int32(value) {
      const place = room(4)
      buffer.writeInt32BE(value, place)
    },
    int64(value) {
      const place = room(8)
      buffer.writeBigInt64BE(BigInt(value), place)
    },
    boolean: (value) => writer.int8(value ? 1 : 0),
    string(value) {
      if (value === null) return writer.int16(-1)
      writer.int16(Buffer.byteLength(value))
      writer.raw(Buffer.from(value))
    },
    bytes(value) {
      writer.int32(value?.length ?? -1)
      if (value !== null) writer.raw(value)
    },
    raw(value) {
      const place = room(value.length)
      value.copy(buffer, place)
    },
    array(items, write) {
      writer.int32(items?.length ?? -1)
      for (const item of items ?? []) write(item)
    },
    uvarint(value) {
      let rest = value
      while (rest > 0x7f) {
        const place = room(1)
        buffer[place] = (rest & 0x7f) | 0x80
        rest >>>= 7
      }
      const place = room(1)
      buffer[place] = rest
    },
    compactString(value) {
      writer.uvarint(Buffer.byteLength(value) + 1)
      writer.raw(Buffer.from(value))
    },
    noTags: () => writer.uvarint(0),
    done: () => buffer.subarray(0, at),
  }
  return writer
}

/** Reads what ByteWriter writes. Reading beyond the end throws a RangeError. */
export interface ByteReader {
  int8(): number
  int16(): number
  int32(): number
  /** Beyond the safe range the value is not exact; offsets are checked by `toOffset` where they matter. */
  int64(): number
  bigint64(): bigint
  boolean(): boolean
  string(): string
  nullableString(): string | null
  bytes(): Buffer | null
  slice(bytes: number): Buffer
  array<T>(read: () => T): T[]
  uvarint(): number
  compactString(): string | null
  compactArray<T>(read: () => T): T[]
  skipTags(): void
  rest(): Buffer
}

export function createReader(buffer: Buffer): ByteReader {
  let at = 0
  const take = (bytes: number): number => {
    at += bytes
    return at - bytes
  }
  /** No item takes less than a byte, so what claims more than there are is refused before anything is made for it. */
  function items<T>(length: number, read: () => T): T[] {
    if (length > buffer.length - at) throw new RangeError(`a list of ${length} in ${buffer.length - at} bytes`)
    return Array.from({ length: Math.max(0, length) }, read)
  }

  const reader: ByteReader = {
    int8: () => buffer.readInt8(take(1)),
    int16: () => buffer.readInt16BE(take(2)),
    int32: () => buffer.readInt32BE(take(4)),
    int64() {
      const place = take(8)
      return buffer.readInt32BE(place) * UINT32 + buffer.readUInt32BE(place + 4)
    },
    bigint64: () => buffer.readBigInt64BE(take(8)),
    boolean: () => reader.int8() !== 0,
    string: () => reader.nullableString() ?? '',
    nullableString() {
      const length = reader.int16()
      return length < 0 ? null : reader.slice(length).toString('utf8')
    },
    bytes() {
      const length = reader.int32()
      return length < 0 ? null : reader.slice(length)
    },
    slice(bytes) {
      const place = take(bytes)
      if (at > buffer.length) throw new RangeError('the answer ends early')
      return buffer.subarray(place, at)
    },
    array: (read) => items(reader.int32(), read),
    uvarint() {
      let value = 0
      for (let shift = 0; ; shift += 7) {
        const byte = buffer.readUInt8(take(1))
        if (shift > 28) throw new RangeError('a number of more than 32 bits')
        value |= (byte & 0x7f) << shift
        if (byte < 0x80) return value >>> 0
      }
    },
    compactString() {
      const length = reader.uvarint()
      return length === 0 ? null : reader.slice(length - 1).toString('utf8')
    },
    compactArray: (read) => items(reader.uvarint() - 1, read),
    skipTags() {
      for (let left = reader.uvarint(); left > 0; left--) {
        reader.uvarint()
        reader.slice(reader.uvarint())
      }
    },
    rest: () => buffer.subarray(at),
  }
  return reader
}
