import type { Backend } from './backend.ts'
import { KEPT_FOR_EVER } from './topic-spec.ts'
import { errorText, hasCode, isDrawbridgeError, readProperty } from './errors.ts'
import { type Headers, LETTER_ROOM_BYTES, recordBytes, type StoredRecord } from './record.ts'
import { deadLetterTopic } from './topic.ts'

/** Names of the headers a letter carries after the record's own. All values are UTF-8 text. */
export const LETTER_HEADERS = {
  /** `TOPIC/INCARNATION/PARTITION/OFFSET/GROUP`: the same letter written twice has the same id. */
  id: 'drawbridge.letter.id',
  topic: 'drawbridge.letter.topic',
  group: 'drawbridge.letter.group',
  partition: 'drawbridge.letter.partition',
  offset: 'drawbridge.letter.offset',
  incarnation: 'drawbridge.letter.incarnation',
  appendedAt: 'drawbridge.letter.appended-at',
  failedAt: 'drawbridge.letter.failed-at',
  attempts: 'drawbridge.letter.attempts',
  code: 'drawbridge.letter.code',
  cause: 'drawbridge.letter.cause',
} as const

export interface Failure {
  readonly error: unknown
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly failedAt: number
}

export interface DeadLetters {
  /** Appends the record with its original bytes and the cause; resolves when durable. Rejects as `append` does. */
  write(partition: number, record: StoredRecord, failure: Failure): Promise<void>
}

/** Letters of one group on one topic. The dead-letter topic is created at the first letter. */
export function createDeadLetters(backend: Backend, topic: string, group: string): DeadLetters {
  const letterTopic = deadLetterTopic(topic, group)
  let opening: Promise<string> | undefined

  /** Resolves to the source topic's incarnation once the letter topic exists. */
  function open(): Promise<string> {
    opening ??= prepare().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  async function prepare(): Promise<string> {
    const source = await backend.describeTopic(topic)
    try {
      await backend.createTopic({ name: letterTopic, partitions: source.partitions, ...KEPT_FOR_EVER })
    } catch (error) {
      // Somebody made it with other settings: letters are welcome there all the same, as long as the partition exists.
      if (!hasCode(error, 'ERR_TOPIC_DIFFERS')) throw error
    }
    return source.incarnation
  }

  return {
    async write(partition, record, failure) {
      const incarnation = await open()
      const text = (value: string | number) => Buffer.from(String(value), 'utf8')
      const fixed: Headers = [
        [LETTER_HEADERS.id, text(`${topic}/${incarnation}/${partition}/${record.offset}/${group}`)],
        [LETTER_HEADERS.topic, text(topic)],
        [LETTER_HEADERS.group, text(group)],
        [LETTER_HEADERS.partition, text(partition)],
        [LETTER_HEADERS.offset, text(record.offset)],
        [LETTER_HEADERS.incarnation, text(incarnation)],
        [LETTER_HEADERS.appendedAt, text(new Date(record.appendedAt).toISOString())],
        [LETTER_HEADERS.failedAt, text(new Date(failure.failedAt).toISOString())],
        [LETTER_HEADERS.attempts, text(failure.attempts)],
        [LETTER_HEADERS.code, text(isDrawbridgeError(failure.error) ? failure.error.code : 'ERR_HANDLER_FAILED')],
      ]
      const fixedBytes = recordBytes({ key: null, value: null, headers: fixed })
      const room = LETTER_ROOM_BYTES - fixedBytes - LETTER_HEADERS.cause.length
      const cause = truncateUtf8(causeText(failure.error), room)
      const headers: Headers = [...record.headers, ...fixed, [LETTER_HEADERS.cause, cause]]
      await backend.append(letterTopic, partition, [
        { key: record.key, value: record.value, headers, timestamp: record.timestamp },
      ])
    },
  }
}

/** Errors may name each other in a circle. */
const MAX_CAUSES = 8

/** The error's message and those of its causes, a line each. */
function causeText(error: unknown): string {
  const lines: string[] = []
  let at = error
  do {
    lines.push(errorText(at))
    at = readProperty(at, 'cause')
  } while (at !== undefined && at !== null && lines.length < MAX_CAUSES)
  return lines.join('\ncaused by: ')
}

/** At most `maxBytes` of UTF-8, cut between characters. */
export function truncateUtf8(text: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= maxBytes) return bytes
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}
