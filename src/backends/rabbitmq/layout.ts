import { isUtf8 } from 'node:buffer'
import type { Headers, NewRecord } from '../../core/record.ts'
import { copyOut } from '../slab.ts'
import { type AmqpValue, amqpText } from './protocol/amqp.ts'
import { parseMessage, SECTIONS } from './protocol/message.ts'
import type { Output } from './protocol/wire.ts'
import { CREATION_TIME, KEY_ANNOTATION, readUsual, writeCreationTime, writeUsual } from './usual-record.ts'

/**
 * Where a record lives in a RabbitMQ message, so that other clients see it: the value is the data section, headers are
 * application properties, the producer's time is creation-time, and the key is a message annotation, which plain AMQP
 * 0-9-1 clients read and write as a header of that name. What these cannot say stands in annotations of text and truth
 * values, because the npm stream client dies of binary ones.
 */
export const ANNOTATIONS = {
  key: KEY_ANNOTATION,
  /** Base64 of a key that is not UTF-8, instead of `key`. */
  binaryKey: 'x-drawbridge-key',
  /** True: the value is null, and the data section empty. */
  nullValue: 'x-drawbridge-null',
  /** JSON `[[name, text | null | {"base64": …}], …]`: all headers, where some are repeated, null, empty or not UTF-8. */
  headers: 'x-drawbridge-headers',
} as const

/** The broker's own notes about a message published by AMQP 0-9-1 or 1.0. */
const BROKER_ANNOTATIONS = new Set(['x-exchange', 'x-routing-key', 'x-cc', 'x-basic-delivery-mode'])
/** Places in the properties section. Creation time and what is empty aside, foreign ones become headers `amqp.NAME`. */
const PROPERTIES = [
  'message-id',
  'user-id',
  'to',
  'subject',
  'reply-to',
  'correlation-id',
  'content-type',
  'content-encoding',
  'absolute-expiry-time',
  'creation-time',
  'group-id',
  'group-sequence',
  'reply-to-group-id',
] as const

export type RecordContent = Omit<NewRecord, 'timestamp'> & { readonly timestamp: number | null }

/** Appends the record's message to `out`. */
export function writeRecord(out: Output, record: NewRecord): void {
  const { key, value, headers } = record
  if (key !== null && value !== null && headers.length === 0 && writeUsual(out, key, value, record.timestamp)) return
  const plain = headers.length === 0 || arePlain(headers)
  const marks = (key === null ? 0 : 1) + (value === null ? 1 : 0) + (plain ? 0 : 1)
  if (marks > 0) {
    writeMap(out, SECTIONS.annotations, marks, () => {
      if (key !== null && isUtf8(key)) {
        writeText(out, ANNOTATIONS.key, SYMBOL)
        writeBytes(out, key, STRING)
      } else if (key !== null) {
        writeText(out, ANNOTATIONS.binaryKey, SYMBOL)
        writeText(out, key.toString('base64'), STRING)
      }
      if (value === null) {
        writeText(out, ANNOTATIONS.nullValue, SYMBOL)
        out.u8(0x41)
      }
      if (!plain) {
        writeText(out, ANNOTATIONS.headers, SYMBOL)
        writeText(out, headersToJson(headers), STRING)
      }
    })
  }
  writeCreationTime(out, record.timestamp)
  const shown = plain ? headers : plainOnes(headers)
  if (shown.length > 0) {
    writeMap(out, SECTIONS.applicationProperties, shown.length, () => {
      for (const [name, value] of shown) {
        writeText(out, name, STRING)
        writeBytes(out, value as Buffer, STRING)
      }
    })
  }
  writeDescriptor(out, SECTIONS.data)
  writeBytes(out, value ?? NOTHING, BINARY)
}

const NOTHING = Buffer.alloc(0)
/** Codes of the short forms; the long ones are 0x10 above. */
const BINARY = 0xa0
const STRING = 0xa1
const SYMBOL = 0xa3

function writeDescriptor(out: Output, section: number): void {
  out.room(3)
  out.bytes[out.at++] = 0
  out.bytes[out.at++] = 0x53
  out.bytes[out.at++] = section
}

function writeMap(out: Output, section: number, pairs: number, write: () => void): void {
  writeDescriptor(out, section)
  out.u8(0xd1)
  const sizeAt = out.at
  out.u32(0)
  out.u32(pairs * 2)
  write()
  out.bytes.writeUInt32BE(out.at - sizeAt - 4, sizeAt)
}

function writeBytes(out: Output, bytes: Uint8Array, code: number): void {
  writeLength(out, bytes.length, code)
  out.raw(bytes)
}

function writeText(out: Output, text: string, code: number): void {
  const length = Buffer.byteLength(text)
  writeLength(out, length, code)
  out.room(length)
  out.at += out.bytes.write(text, out.at, 'utf8')
}

function writeLength(out: Output, length: number, code: number): void {
  if (length < 256) {
    out.room(2)
    out.bytes[out.at++] = code
    out.bytes[out.at++] = length
  } else {
    out.u8(code + 0x10)
    out.u32(length)
  }
}

function arePlain(headers: Headers): boolean {
  return plainOnes(headers).length === headers.length
}

/** Those that application properties can say and every client can read: named once, not empty, text. */
function plainOnes(headers: Headers): Headers {
  const names = new Set<string>()
  return headers.filter(([name, value]) => {
    if (name === '' || value === null || value.length === 0 || names.has(name) || !isUtf8(value)) return false
    names.add(name)
    return true
  })
}

function headersToJson(headers: Headers): string {
  return JSON.stringify(
    headers.map(([name, value]) => [
      name,
      value === null ? null : isUtf8(value) ? value.toString('utf8') : { base64: value.toString('base64') },
    ]),
  )
}

/**
 * What a message says, ours or anybody's. A body that is no binary is its text; foreign headers, annotations and
 * properties of any type become headers of text. Bytes that are no AMQP message are the value as they are. Never throws.
 */
export function readRecord(bytes: Buffer): RecordContent {
  try {
    return readUsual(bytes) ?? readMessage(bytes)
  } catch {
    // Anything can be written to a stream: such a record is its bytes, and whoever decodes the value refuses it.
    return { key: null, value: own(bytes), headers: [], timestamp: null }
  }
}

function readMessage(bytes: Buffer): RecordContent {
  const message = parseMessage(bytes)
  let key: Buffer | null = null
  let isNull = message.body === undefined || message.body === null
  let exact: Headers | undefined
  const headers: (readonly [string, Buffer | null])[] = []
  for (const [name, value] of message.applicationProperties) headers.push([amqpText(name), bytesOf(value)])
  for (const [nameValue, value] of message.annotations) {
    const name = amqpText(nameValue)
    if (name === ANNOTATIONS.key) key = viewOf(value)
    else if (name === ANNOTATIONS.binaryKey) key = Buffer.from(amqpText(value), 'base64')
    else if (name === ANNOTATIONS.nullValue) isNull = value === true
    else if (name === ANNOTATIONS.headers) exact = headersFromJson(amqpText(value))
    else if (!BROKER_ANNOTATIONS.has(name)) headers.push([name, bytesOf(value)])
  }
  let timestamp: number | null = null
  for (const [place, value] of message.properties.entries()) {
    const time = place === CREATION_TIME ? timeOf(value) : undefined
    if (time !== undefined) timestamp = time
    else if (value !== null && value !== '') headers.push([`amqp.${PROPERTIES[place] ?? place}`, bytesOf(value)])
  }
  const value = isNull ? null : viewOf(message.body ?? null)
  return {
    key: key === null ? null : own(key),
    value: value === null ? null : own(value),
    headers: exact ?? headers,
    timestamp,
  }
}

function timeOf(value: AmqpValue): number | undefined {
  const isTime = typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && value.kind === 'timestamp'
  return isTime && Number.isSafeInteger(value.ms) && value.ms >= 0 ? value.ms : undefined
}

function headersFromJson(text: string): Headers {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new Error('no list of headers')
  return list.map((each: unknown) => {
    const [name, value] = each as [unknown, unknown]
    if (typeof name !== 'string') throw new Error('a header without a name')
    if (value === null) return [name, null]
    if (typeof value === 'string') return [name, own(Buffer.from(value))]
    return [name, own(Buffer.from(String((value as { base64?: unknown }).base64), 'base64'))]
  })
}

function viewOf(value: AmqpValue): Buffer | null {
  if (value === null) return null
  return Buffer.isBuffer(value) ? value : Buffer.from(amqpText(value))
}

function bytesOf(value: AmqpValue): Buffer | null {
  const view = viewOf(value)
  return view === null ? null : own(view)
}

function own(bytes: Buffer): Buffer {
  return copyOut(bytes, 0, bytes.length)
}
