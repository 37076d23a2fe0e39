import { isUtf8 } from 'node:buffer'
import { copyOut } from '../slab.ts'
import { SECTIONS } from './protocol/message.ts'
import type { Output } from './protocol/wire.ts'

// What nearly every record is: a key of text below 256 bytes, a value, no headers. Its message is always of one shape, which is
// written and read here in a fraction of the time that the general codec takes; the bytes and what they mean are the same.

export const KEY_ANNOTATION = 'x-opt-partition-key'
/** Its place in the properties section. */
export const CREATION_TIME = 9
/** Codes of AMQP 1.0 types. */
const [MAP32, LIST8, NULL, TIMESTAMP, BINARY8, BINARY32, STRING8, SYMBOL8] = [
  0xd1, 0xc0, 0x40, 0x83, 0xa0, 0xb0, 0xa1, 0xa3,
]
const TWO_32 = 4_294_967_296
const MAX_KEY_BYTES = 255

/** The annotations section up to the key. The last two bytes of its size, and the key's length, are those of no key. */
const KEY_HEAD = Buffer.concat([
  Buffer.from([0, 0x53, SECTIONS.annotations, MAP32, 0, 0, 0, 0, 0, 0, 0, 2, SYMBOL8, KEY_ANNOTATION.length]),
  Buffer.from(KEY_ANNOTATION),
  Buffer.from([STRING8, 0]),
])
const SIZE_AT = 6
/** What the size counts beside the key. */
const SIZE = KEY_HEAD.length - SIZE_AT - 2
/** The properties section up to the time itself. */
const TIME_HEAD = Buffer.concat([
  Buffer.from([0, 0x53, SECTIONS.properties, LIST8, CREATION_TIME + 10, CREATION_TIME + 1]),
  Buffer.alloc(CREATION_TIME, NULL),
  Buffer.from([TIMESTAMP]),
])
const DATA_HEAD = Buffer.from([0, 0x53, SECTIONS.data])

/** Writes the message; false, and nothing written, where it has another shape. */
export function writeUsual(out: Output, key: Buffer, value: Buffer, timestamp: number): boolean {
  if (key.length > MAX_KEY_BYTES || !isText(key)) return false
  const headAt = out.at
  out.raw(KEY_HEAD)
  const size = SIZE + key.length
  out.bytes[headAt + SIZE_AT] = size >>> 8
  out.bytes[headAt + SIZE_AT + 1] = size & 0xff
  out.bytes[out.at - 1] = key.length
  out.raw(key)
  writeCreationTime(out, timestamp)
  out.raw(DATA_HEAD)
  if (value.length < 256) {
    out.u8(BINARY8)
    out.u8(value.length)
  } else {
    out.u8(BINARY32)
    out.u32(value.length)
  }
  out.raw(value)
  return true
}

/** The properties section with the producer's time alone. */
export function writeCreationTime(out: Output, timestamp: number): void {
  const ms = Math.trunc(timestamp)
  const high = Math.floor(ms / TWO_32)
  out.raw(TIME_HEAD)
  out.u32(high >>> 0)
  out.u32(ms - high * TWO_32)
}

/** What such a message says, copied; undefined for a message of any other shape. */
export function readUsual(bytes: Buffer) {
  const keyAt = KEY_HEAD.length
  if (bytes.length < keyAt) return undefined
  const keyLength = bytes[keyAt - 1] as number
  const size = SIZE + keyLength
  if (bytes[SIZE_AT] !== size >>> 8 || bytes[SIZE_AT + 1] !== (size & 0xff)) return undefined
  for (let at = 0; at < keyAt - 1; at++) {
    if (bytes[at] !== KEY_HEAD[at] && at !== SIZE_AT && at !== SIZE_AT + 1) return undefined
  }
  const timeAt = keyAt + keyLength + TIME_HEAD.length
  const dataAt = timeAt + 8
  if (!has(bytes, TIME_HEAD, timeAt - TIME_HEAD.length) || !has(bytes, DATA_HEAD, dataAt)) return undefined
  const codeAt = dataAt + DATA_HEAD.length
  const isLong = bytes[codeAt] === BINARY32
  const valueAt = codeAt + (isLong ? 5 : 2)
  if ((!isLong && bytes[codeAt] !== BINARY8) || bytes.length < valueAt) return undefined
  if (bytes.length - valueAt !== (isLong ? bytes.readUInt32BE(codeAt + 1) : bytes[codeAt + 1])) return undefined
  const timestamp = bytes.readInt32BE(timeAt) * TWO_32 + bytes.readUInt32BE(timeAt + 4)
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) return undefined
  const key = copyOut(bytes, keyAt, keyAt + keyLength)
  if (!isText(key)) return undefined
  return { key, value: copyOut(bytes, valueAt, bytes.length), headers: [], timestamp }
}

function has(bytes: Buffer, part: Buffer, from: number): boolean {
  for (let at = 0; at < part.length; at++) if (bytes[from + at] !== part[at]) return false
  return true
}

/** Few bytes are looked at sooner than the system is asked. */
function isText(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] as number) > 0x7f) return isUtf8(bytes)
  return true
}
