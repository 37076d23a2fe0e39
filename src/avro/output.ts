import { Buffer } from 'node:buffer'
import { refuse } from './refusal.ts'

/** Where writing stands: a buffer that grows as needed. `items` and `depth` are what the limits still allow. */
export interface Output {
  buf: Buffer
  pos: number
  items: number
  depth: number
}

/** Where writing begins for every value; a buffer grown beyond it is dropped after the value. */
const INITIAL_BYTES = 64 * 1024
const SPLIT = 2 ** 28
const MAX_FLOAT = 3.4028235677973366e38

let spare: Output | null = null

/** An output to write one value into. A value's getter that encodes in turn finds another one. */
export function borrowOutput(): Output {
  const out = spare ?? { buf: Buffer.allocUnsafeSlow(INITIAL_BYTES), pos: 0, items: 0, depth: 0 }
  spare = null
  return out
}

/** Takes an output back for the next value; what a huge value made of its buffer is let go. */
export function returnOutput(out: Output): void {
  if (out.buf.length > INITIAL_BYTES) out.buf = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  spare = out
}

/** What was written, as a buffer of its own. */
export function outputBytes(out: Output): Buffer {
  const bytes = Buffer.allocUnsafe(out.pos)
  out.buf.copy(bytes, 0, 0, out.pos)
  return bytes
}

export function reserve(out: Output, bytes: number): void {
  if (out.pos + bytes > out.buf.length) grow(out, bytes)
}

function grow(out: Output, bytes: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(out.buf.length * 2, out.pos + bytes))
  out.buf.copy(larger, 0, 0, out.pos)
  out.buf = larger
}

/** Zigzag varint of a safe integer. Avro 1.12, "Primitive Types". */
export function writeLong(out: Output, value: number): void {
  if (out.pos + 10 > out.buf.length) grow(out, 10)
  const { buf } = out
  let { pos } = out
  if (value >= -0x40000000 && value < 0x40000000) {
    let rest = (value << 1) ^ (value >> 31)
    while (rest > 0x7f) {
      buf[pos++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buf[pos++] = rest
    out.pos = pos
    return
  }
  // In two halves: twice a safe integer is not always exact.
  const half = value < 0 ? -(value + 1) : value
  let low = ((half % (SPLIT / 2)) * 2 + (value < 0 ? 1 : 0)) | 0
  let high = Math.floor(half / (SPLIT / 2))
  for (let index = 0; index < 4; index++) {
    buf[pos++] = (low & 0x7f) | 0x80
    low >>>= 7
  }
  while (high > 0x7f) {
    buf[pos++] = (high % 128) | 0x80
    high = Math.floor(high / 128)
  }
  buf[pos++] = high
  out.pos = pos
}

export function writeBigLong(out: Output, value: bigint): void {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return writeLong(out, number)
  reserve(out, 10)
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  while (rest > 0x7fn) {
    out.buf[out.pos++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  out.buf[out.pos++] = Number(rest)
}

export function writeFloat(out: Output, value: number): void {
  if (Number.isFinite(value) && Math.abs(value) >= MAX_FLOAT) refuse('a float in 32 bits', value)
  reserve(out, 4)
  out.pos = out.buf.writeFloatLE(value, out.pos)
}

export function writeDouble(out: Output, value: number): void {
  reserve(out, 8)
  out.pos = out.buf.writeDoubleLE(value, out.pos)
}

export function writeBytes(out: Output, bytes: Uint8Array): void {
  reserve(out, bytes.length)
  out.buf.set(bytes, out.pos)
  out.pos += bytes.length
}

const SHORT = 24

export function writeString(out: Output, text: string): void {
  const { length } = text
  if (length <= SHORT) {
    // Most texts are short ASCII: cheaper byte by byte than by a call into the engine.
    if (out.pos + SHORT + 1 > out.buf.length) grow(out, SHORT + 1)
    const { buf } = out
    const start = out.pos + 1
    let index = 0
    for (; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) break
      buf[start + index] = code
    }
    if (index === length) {
      buf[out.pos] = length << 1
      out.pos = start + length
      return
    }
  }
  const bytes = Buffer.byteLength(text)
  // ES2024; a lone surrogate has no UTF-8 and would be stored as something else.
  if (bytes !== length && !(text as unknown as { isWellFormed(): boolean }).isWellFormed())
    refuse('text without lone surrogates', text)
  writeLong(out, bytes)
  reserve(out, bytes)
  out.pos += bytes === length ? out.buf.write(text, out.pos, 'latin1') : out.buf.write(text, out.pos, 'utf8')
}
