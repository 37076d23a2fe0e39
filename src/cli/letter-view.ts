import { createAvroCodec } from '../avro/codec.ts'
import { valueToJson } from '../avro/json.ts'
import { errorText, hasCode } from '../core/errors.ts'
import type { Letter, StoredLetter } from '../core/letter-reader.ts'
import type { OpenBroker } from '../open-broker.ts'
import { type BytesJson, bytesToJson } from './envelope.ts'

/** A letter in a list. Without a letter's marks only its place is known. */
export function summaryOf({ partition, offset, letter }: StoredLetter, letterTopic: string) {
  const stored = { topic: letterTopic, partition, offset }
  if (letter === null) return { id: null, letter: stored }
  const { id, group, source, code, attempts, failedAt, cause } = letter
  const { topic, incarnation } = source
  return {
    id,
    topic,
    group,
    partition: source.partition,
    offset: source.offset,
    incarnation,
    code,
    attempts,
    failedAt,
    cause: firstLine(cause),
    letter: stored,
  }
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** All of a letter. `undecoded` says why the value is shown as bytes. */
export interface LetterView {
  readonly value: unknown
  readonly undecoded?: string
  /** False where the topic has been made anew since: the place now belongs to another record, or to none. */
  readonly sourceIsThere: boolean
  readonly key: BytesJson
  readonly headers: readonly (readonly [name: string, value: BytesJson])[]
}

export async function viewOf(broker: OpenBroker, letter: Letter): Promise<LetterView> {
  const shared = {
    key: bytesToJson(letter.key),
    headers: letter.headers.map(([name, bytes]) => [name, bytesToJson(bytes)] as const),
    sourceIsThere: await isThere(broker, letter),
  }
  try {
    return { ...shared, value: await decode(broker, letter) }
  } catch (error) {
    return { ...shared, value: bytesAsTheyAre(letter.value), undecoded: errorText(error) }
  }
}

async function isThere(broker: OpenBroker, { source }: Letter): Promise<boolean> {
  try {
    return (await broker.topics.describe(source.topic)).incarnation === source.incarnation
  } catch (error) {
    if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return false
    throw error
  }
}

async function decode(broker: OpenBroker, { source, value }: Letter): Promise<unknown> {
  const { value: schema, compact } = await broker.topic(source.topic)
  if (value === null || schema === 'bytes') return bytesToJson(value)
  const { schemaById } = broker.registry
  const codec = createAvroCodec<unknown>({ topic: source.topic, schema, schemaId: null, schemaById, compact })
  return valueToJson(schema, await codec.decode(value))
}

/** Not as text: that it could not be decoded is the point. */
function bytesAsTheyAre(bytes: Buffer | null): BytesJson {
  return bytes === null ? null : { base64: bytes.toString('base64') }
}
