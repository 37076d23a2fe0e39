/** What comes in does not follow the protocol. Whoever reads from a connection closes it on this. */
export function malformed(what: string): Error {
  return new Error(`malformed: ${what}`)
}

/** Reads big-endian values from bytes somebody else wrote: every read is checked, no length is believed. */
export interface Cursor {
  readonly bytes: Buffer
  /** Next byte to read. */
  at: number
  left(): number
  u8(): number
  u16(): number
  u32(): number
  /** RabbitMQ's offsets, ids and sizes; refused above 2^53 - 1. */
  u64(): number
  big(): bigint
  /** Milliseconds and counters that may be negative. */
  i64(): number
  /** int16 length, -1 is null, given as ''. */
  string(): string
  /** A view, not a copy. */
  take(length: number): Buffer
  /** int32 count of things of at least `minBytes` each. */
  count(minBytes: number): number
}

export function createCursor(bytes: Buffer, start = 0): Cursor {
  const need = (length: number): number => {
    const from = cursor.at
    if (length > bytes.length - from) throw malformed(`${length} bytes needed, ${bytes.length - from} left`)
    cursor.at = from + length
    return from
  }
  const cursor: Cursor = {
    bytes,
    at: start,
    left: () => bytes.length - cursor.at,
    u8: () => bytes.readUInt8(need(1)),
    u16: () => bytes.readUInt16BE(need(2)),
    u32: () => bytes.readUInt32BE(need(4)),
    u64() {
      const from = need(8)
      return safe(bytes.readUInt32BE(from) * 4_294_967_296 + bytes.readUInt32BE(from + 4))
    },
    big: () => bytes.readBigUInt64BE(need(8)),
    i64() {
      const from = need(8)
      return safe(bytes.readInt32BE(from) * 4_294_967_296 + bytes.readUInt32BE(from + 4))
    },
    string() {
      const length = bytes.readInt16BE(need(2))
      if (length < -1) throw malformed(`a string of ${length} bytes`)
      const from = need(Math.max(0, length))
      return bytes.toString('utf8', from, cursor.at)
    },
    take(length) {
      const from = need(length)
      return bytes.subarray(from, from + length)
    },
    count(minBytes) {
      const count = bytes.readUInt32BE(need(4))
      if (count * minBytes > cursor.left()) throw malformed(`${count} items in ${cursor.left()} bytes`)
      return count
    },
  }
  return cursor
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw malformed('a number above 2^53 - 1')
  return value
}

/** Growing output. `finish` copies out what was written, so the block is used again. */
export interface Output {
  at: number
  bytes: Buffer
  /** Makes room for `length` more bytes. */
  room(length: number): void
  u8(value: number): void
  u16(value: number): void
  u32(value: number): void
  u64(value: number): void
  big(value: bigint): void
  string(value: string): void
  raw(value: Uint8Array): void
  finish(): Buffer
}

const START_BYTES = 65_536
/** A larger block is given back after use. */
const KEEP_BYTES = 4 * 1_048_576

export function createOutput(): Output {
  const output: Output = {
    at: 0,
    bytes: Buffer.allocUnsafeSlow(START_BYTES),
    room(length) {
      const needed = output.at + length
      if (needed <= output.bytes.length) return
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, output.bytes.length * 2))
      output.bytes.copy(larger, 0, 0, output.at)
      output.bytes = larger
    },
    u8(value) {
      output.room(1)
      output.bytes[output.at++] = value
    },
    u16(value) {
      output.room(2)
      output.at = output.bytes.writeUInt16BE(value, output.at)
    },
    u32(value) {
      output.room(4)
      output.at = output.bytes.writeUInt32BE(value, output.at)
    },
    u64(value) {
      output.room(8)
      output.at = output.bytes.writeUInt32BE(Math.floor(value / 4_294_967_296), output.at)
      output.at = output.bytes.writeUInt32BE(value % 4_294_967_296, output.at)
    },
    big(value) {
      output.room(8)
      output.at = output.bytes.writeBigUInt64BE(value, output.at)
    },
    string(value) {
      const length = Buffer.byteLength(value)
      if (length > 32_767) throw new Error(`a name of ${length} bytes; 32767 are possible`)
      output.u16(length)
      output.room(length)
      output.at += output.bytes.write(value, output.at, 'utf8')
    },
    raw(value) {
      output.room(value.length)
      output.bytes.set(value, output.at)
      output.at += value.length
    },
    finish() {
      const copy = Buffer.allocUnsafeSlow(output.at)
      output.bytes.copy(copy, 0, 0, output.at)
      output.at = 0
      if (output.bytes.length > KEEP_BYTES) output.bytes = Buffer.allocUnsafeSlow(START_BYTES)
      return copy
    },
  }
  return output
}
