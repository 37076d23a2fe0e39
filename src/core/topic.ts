import { DrawbridgeError } from './errors.ts'

/** An Avro schema as plain JSON, or `bytes` for topics whose values are passed through unframed. */
export type TopicSchema = string | object

/** A topic, declared once as a typed value. `T` is the type of a message's value. */
export interface Topic<T> {
  readonly name: string
  /** Avro schema (JSON), or the word `bytes`: values are Buffers, stored as they are. */
  readonly value: TopicSchema
  /** The key of a value; records of one key keep their order. Null or absent: no key, spread over the partitions. */
  readonly key: ((value: T) => string | Uint8Array | null) | undefined
  /** How many partitions `declare` creates; undefined takes what exists, or 1. */
  readonly partitions: number | undefined
  readonly compact: boolean
  /** What may go after a time; undefined takes what exists, or keeps everything. */
  readonly retention?: Retention | undefined
}

/** How long records are kept: each bound alone lets the oldest go; null or absent: no such bound. */
export interface Retention {
  /** Milliseconds since the append. */
  readonly ms?: number | null
  /** Bytes per partition. */
  readonly bytes?: number | null
}

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,200}$/
const INTERNAL_PREFIX = 'drawbridge.'
const DEAD_SUFFIX = '.dead'
/** The longest name a broker takes (Kafka: 249). */
const MAX_BROKER_NAME = 249

/** ERR_CONFIG unless a user may give a topic this name. */
export function checkTopicName(name: string): string {
  if (typeof name !== 'string' || !TOPIC_NAME.test(name) || name === '.' || name === '..') {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic name ${JSON.stringify(name)}: use 1 to 200 of the characters a-z A-Z 0-9 . _ -`,
    )
  }
  if (name.startsWith(INTERNAL_PREFIX)) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic name ${JSON.stringify(name)}: names beginning with "${INTERNAL_PREFIX}" are reserved; choose another`,
    )
  }
  return name
}

/** ERR_CONFIG unless this can name a group on the topic (its dead-letter topic's name has to fit, too). */
export function checkGroupName(group: string, topic: string): string {
  if (typeof group !== 'string' || !TOPIC_NAME.test(group)) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `group ${JSON.stringify(group)}: use 1 to 200 of the characters a-z A-Z 0-9 . _ -`,
    )
  }
  if (deadLetterTopic(topic, group).length > MAX_BROKER_NAME) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `group ${JSON.stringify(group)} on topic ${JSON.stringify(topic)}: together at most ${MAX_BROKER_NAME - 6} characters, because the dead-letter topic carries both names`,
    )
  }
  return group
}

export function isInternalTopic(name: string): boolean {
  return name.startsWith(INTERNAL_PREFIX)
}

/** Where letters of a group's records on a topic go. */
export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.${group}${DEAD_SUFFIX}`
}

export function isDeadLetterTopic(name: string): boolean {
  return name.endsWith(DEAD_SUFFIX)
}

/** Subject of a topic's value schema in the registry. */
export function valueSubject(topic: string): string {
  return `${topic}-value`
}
