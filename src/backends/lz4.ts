import { repeat } from './snappy.ts'

const MAGIC = 0x184d2204
const UNCOMPRESSED = 0x80000000
/** Flags of a frame's descriptor. */
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const DICTIONARY = 0x01
const MIN_MATCH = 4

/**
 * An LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md); checksums are not looked at, as the batch
 * has one of its own. RangeError for what is damaged or grows beyond `maxBytes`.
 */
export function decompressLz4(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('no LZ4 frame')
  const flags = bytes.readUInt8(4)
  const blockBytes = 1 << (8 + 2 * ((bytes.readUInt8(5) >>> 4) & 7))
  let at = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & DICTIONARY) === 0 ? 0 : 4)
  let output: Buffer = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(blockBytes, bytes.length * 4)))
  let to = 0
  for (;;) {
    const head = bytes.readUInt32LE(at)
    at += 4
    if (head === 0) return output.subarray(0, to)
    const length = head % UNCOMPRESSED
    if (at + length > bytes.length) throw new RangeError('an LZ4 block reaches too far')
    if (to + blockBytes > output.length) output = grown(output, to, Math.min(maxBytes, (to + blockBytes) * 2))
    const block = bytes.subarray(at, at + length)
    if (head >= UNCOMPRESSED) {
      if (to + length > output.length) throw new RangeError('an LZ4 frame is too large')
      to += block.copy(output, to)
    } else to = decodeBlock(block, output, to)
    at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4)
  }
}

function grown(output: Buffer, used: number, size: number): Buffer {
  if (size <= used) throw new RangeError('an LZ4 frame is too large')
  const larger = Buffer.allocUnsafe(size)
  output.copy(larger, 0, 0, used)
  return larger
}

/** Says where the output ends. */
function decodeBlock(block: Buffer, output: Buffer, start: number): number {
  let at = 0
  let to = start

  function length(nibble: number): number {
    let sum = nibble
    if (nibble !== 15) return sum
    for (;;) {
      const byte = block.readUInt8(at++)
      sum += byte
      if (byte !== 255) return sum
    }
  }

  while (at < block.length) {
    const token = block.readUInt8(at++)
    const literals = length(token >>> 4)
    if (at + literals > block.length || to + literals > output.length) {
      throw new RangeError('an LZ4 literal reaches too far')
    }
    block.copy(output, to, at, at + literals)
    at += literals
    to += literals
    if (at >= block.length) break
    const back = block.readUInt16LE(at)
    at += 2
    to = repeat(output, { to, back, length: length(token & 15) + MIN_MATCH })
  }
  return to
}
