const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_HEADER_BYTES = 16

/** The stream identifier of the framing format, with which the clients of RabbitMQ streams begin. */
const FRAMED = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59])
const CHECKSUM_BYTES = 4
/** Three bytes repeat 64 at most, so what claims more is damaged. */
const MAX_RATIO = 24

/**
 * Snappy (https://github.com/google/snappy/blob/main/format_description.txt), plain, in the blocks of xerial's
 * SnappyOutputStream, which Java's producers write, or in Google's framing format (framing_format.txt; checksums are not
 * looked at). RangeError for what is damaged or grows beyond `maxBytes`.
 */
export function decompressSnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.subarray(0, FRAMED.length).equals(FRAMED)) return framed(bytes, maxBytes)
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return block(bytes, maxBytes)
  const blocks: Buffer[] = []
  let left = maxBytes
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    at += 4
    const found = block(bytes.subarray(at, at + length), left)
    left -= found.length
    blocks.push(found)
    at += length
  }
  return Buffer.concat(blocks)
}

function framed(bytes: Buffer, maxBytes: number): Buffer {
  const blocks: Buffer[] = []
  let left = maxBytes
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes.readUInt8(at)
    const from = at + 4
    const end = from + bytes.readUIntLE(at + 1, 3)
    if (end > bytes.length) throw new RangeError('a snappy frame reaches too far')
    // Beyond the two kinds of data, what is below 0x80 has to be understood, and the rest may be left out.
    if (kind > 1 && kind < 0x80) throw new RangeError(`a snappy frame of the unknown kind ${kind}`)
    if (kind <= 1) {
      const data = bytes.subarray(from + CHECKSUM_BYTES, end)
      const found = kind === 0 ? block(data, left) : data
      left -= found.length
      if (left < 0) throw new RangeError('snappy frames that are too large')
      blocks.push(found)
    }
    at = end
  }
  return Buffer.concat(blocks)
}

function block(input: Buffer, maxBytes: number): Buffer {
  let at = 0
  let size = 0
  for (let factor = 1; ; factor *= 0x80) {
    const byte = input.readUInt8(at++)
    size += (byte & 0x7f) * factor
    if (byte < 0x80) break
  }
  if (size > maxBytes || size > input.length * MAX_RATIO) throw new RangeError(`a snappy block of ${size} bytes`)
  const output = Buffer.allocUnsafe(size)
  let to = 0
  while (at < input.length) {
    const tag = input.readUInt8(at++)
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >>> 2) + 1
      if (length > 60) {
        const width = length - 60
        length = input.readUIntLE(at, width) + 1
        at += width
      }
      if (at + length > input.length || to + length > size) throw new RangeError('a snappy literal reaches too far')
      input.copy(output, to, at, at + length)
      at += length
      to += length
      continue
    }
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const width = kind === 3 ? 4 : kind
    const back = kind === 1 ? ((tag >>> 5) << 8) | input.readUInt8(at) : input.readUIntLE(at, width)
    at += width
    to = repeat(output, { to, back, length })
  }
  if (to !== size) throw new RangeError('a snappy block ends early')
  return output
}

/** Copies what was written `back` bytes ago, also into itself. Says where it ends. */
export function repeat(
  output: Buffer,
  { to, back, length }: { readonly to: number; readonly back: number; readonly length: number },
): number {
  if (back === 0 || back > to || to + length > output.length) throw new RangeError('a copy reaches too far')
  if (back >= length) output.copy(output, to, to - back, to - back + length)
  else for (let at = to; at < to + length; at++) output[at] = output[at - back] ?? 0
  return to + length
}
