import { isUtf8 } from 'node:buffer'
import { jsonToValue, valueToJson } from '../avro/json.ts'
import type { SendOptions } from '../core/broker.ts'
import { DrawbridgeError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { Headers } from '../core/record.ts'
import type { TopicSchema } from '../core/topic.ts'

/** Bytes in JSON: text where they are UTF-8, else `{"base64": …}`. Reading it back gives the same bytes. */
export type BytesJson = string | { readonly base64: string } | null

/** A record as `consume --json` prints it and `produce --envelope` reads it. Times are ISO text where a date can hold them. */
export interface Envelope {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: string | number
  readonly appendedAt: string | number
  readonly key: BytesJson
  readonly headers: readonly (readonly [name: string, value: BytesJson])[]
  readonly value: unknown
}

export function envelopeOf(message: Message<unknown>, schema: TopicSchema): Envelope {
  const { topic, partition, offset, timestamp, appendedAt, key, headers, value } = message
  return {
    topic,
    partition,
    offset,
    timestamp: timeToJson(timestamp),
    appendedAt: timeToJson(appendedAt),
    key: bytesToJson(key),
    headers: headers.map(([name, bytes]) => [name, bytesToJson(bytes)] as const),
    value: valueOf(value, schema),
  }
}

function valueOf(value: unknown, schema: TopicSchema): unknown {
  return schema === 'bytes' ? bytesToJson(value as Buffer | null) : value === null ? null : valueToJson(schema, value)
}

/** The value to send that this JSON stands for. ERR_VALUE_INVALID. */
export function parseValue(json: unknown, schema: TopicSchema): unknown {
  if (schema === 'bytes') return parseBytes('value', json)
  return json === null ? null : jsonToValue(schema, json)
}

const ENVELOPE_KEYS = new Set(['topic', 'partition', 'offset', 'timestamp', 'appendedAt', 'key', 'headers', 'value'])

/** What to send, and how. `topic`, `offset` and `appendedAt` may stand there and say nothing: the broker gives them anew. */
export function parseEnvelope(
  json: unknown,
  schema: TopicSchema,
): { readonly value: unknown; readonly options: SendOptions } {
  if (!isObject(json)) throw invalid('envelope', 'must be an object with a value')
  const unknown = Object.keys(json).find((name) => !ENVELOPE_KEYS.has(name))
  if (unknown !== undefined) throw invalid(unknown, `is no part of an envelope; use ${[...ENVELOPE_KEYS].join(', ')}`)
  if (!('value' in json)) throw invalid('value', 'is missing')
  const { key, headers, timestamp, partition } = json
  return {
    value: parseValue(json['value'], schema),
    options: {
      ...(key === undefined ? {} : { key: parseBytes('key', key) }),
      ...(headers === undefined ? {} : { headers: parseHeaders(headers) }),
      ...(timestamp === undefined ? {} : { timestamp: parseTimestamp(timestamp) }),
      ...(partition === undefined ? {} : { partition: parsePartition(partition) }),
    },
  }
}

export function bytesToJson(bytes: Buffer | null): BytesJson {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

function parseBytes(place: string, json: unknown): Buffer | null {
  if (json === null) return null
  if (typeof json === 'string') return Buffer.from(json, 'utf8')
  const base64 = isObject(json) && Object.keys(json).length === 1 ? json['base64'] : undefined
  if (typeof base64 !== 'string') throw invalid(place, 'must be text, null or {"base64": "…"}')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw invalid(place, 'holds text that is not base64')
  return bytes
}

/** A list of pairs keeps order and repeats; an object is taken too. */
function parseHeaders(json: unknown): Headers {
  const pairs: readonly unknown[] | undefined = Array.isArray(json)
    ? json
    : isObject(json)
      ? Object.entries(json)
      : undefined
  if (pairs === undefined) throw invalid('headers', 'must be a list of [name, value] pairs, or an object')
  return pairs.map((pair, index) => {
    const [name, value] = Array.isArray(pair) && pair.length === 2 ? (pair as readonly unknown[]) : []
    if (typeof name !== 'string') throw invalid(`headers[${index}]`, 'must be a pair of a name and a value')
    return [name, parseBytes(`headers[${index}]`, value)]
  })
}

function timeToJson(ms: number): string | number {
  const date = new Date(ms)
  return Number.isFinite(date.getTime()) ? date.toISOString() : ms
}

function parseTimestamp(json: unknown): number {
  const ms = typeof json === 'string' ? Date.parse(json) : json
  if (typeof ms === 'number' && Number.isSafeInteger(ms)) return ms
  throw invalid('timestamp', 'must be an ISO time such as 2026-11-01T00:00:00Z, or whole milliseconds since the epoch')
}

function parsePartition(json: unknown): number {
  if (typeof json === 'number' && Number.isSafeInteger(json) && json >= 0) return json
  throw invalid('partition', 'must be a whole number from 0 up')
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function invalid(place: string, what: string): DrawbridgeError {
  return new DrawbridgeError('ERR_VALUE_INVALID', `${place} ${what}`, { details: { path: place } })
}
