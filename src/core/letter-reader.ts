import type { Backend } from './backend.ts'
import { LETTER_HEADERS } from './dead-letter.ts'
import { readBatches } from './raw-reader.ts'
import type { Headers, StoredRecord } from './record.ts'
import { deadLetterTopic, isDeadLetterTopic } from './topic.ts'

/** A record set aside, and why. Its bytes are the source's. */
export interface Letter {
  /** `TOPIC/INCARNATION/PARTITION/OFFSET/GROUP`; the same letter written twice has it twice. */
  readonly id: string
  readonly group: string
  /** Where the record stands, or stood. */
  readonly source: {
    readonly topic: string
    readonly incarnation: string
    readonly partition: number
    readonly offset: number
    /** ISO time. */
    readonly appendedAt: string
  }
  readonly code: string
  readonly attempts: number
  /** ISO time. */
  readonly failedAt: string
  /** The error's message and those of its causes, a line each. */
  readonly cause: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The record's own, without the letter's. */
  readonly headers: Headers
  /** The producer's time, milliseconds since the epoch. */
  readonly timestamp: number
}

/** A record of a dead-letter topic; `letter` is null where it is none of ours. */
export interface StoredLetter {
  /** In the dead-letter topic. */
  readonly partition: number
  readonly offset: number
  readonly letter: Letter | null
}

/** Null for a record that lacks what a letter has: anybody can write to the topic. */
export function parseLetter({ headers, key, value, timestamp }: StoredRecord): Letter | null {
  // The letter's headers come last; a letter about a letter has those of the first one among its own.
  const begin = headers.findLastIndex(([name]) => name === LETTER_HEADERS.id)
  if (begin < 0) return null
  const texts = new Map(headers.slice(begin).map(([name, bytes]) => [name, bytes?.toString('utf8') ?? '']))
  const text = (name: keyof typeof LETTER_HEADERS) => texts.get(LETTER_HEADERS[name])
  const [id, topic, group, incarnation] = [text('id'), text('topic'), text('group'), text('incarnation')]
  const [partition, offset, attempts] = [text('partition'), text('offset'), text('attempts')].map(wholeNumberOf)
  if (id === undefined || topic === undefined || group === undefined || incarnation === undefined) return null
  if (partition === undefined || offset === undefined || attempts === undefined) return null
  return {
    id,
    group,
    source: { topic, incarnation, partition, offset, appendedAt: text('appendedAt') ?? '' },
    code: text('code') ?? '',
    attempts,
    failedAt: text('failedAt') ?? '',
    cause: text('cause') ?? '',
    key,
    value,
    headers: headers.slice(0, begin),
    timestamp,
  }
}

function wholeNumberOf(text: string | undefined): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text ?? '') && Number.isSafeInteger(value) ? value : undefined
}

export interface LetterReadOptions {
  /** Only of this partition; a letter stands in the partition its record stood in. */
  readonly partition?: number
  readonly signal?: AbortSignal
}

/** All that stands in a dead-letter topic now, partition by partition, one batch in memory. ERR_TOPIC_UNKNOWN, ERR_ABORTED. */
export async function* readLetters(
  backend: Backend,
  letterTopic: string,
  { partition: only, signal }: LetterReadOptions = {},
): AsyncGenerator<StoredLetter> {
  const { ranges } = await backend.describeTopic(letterTopic)
  const wanted = ranges
    .map(({ first, end }, partition) => ({ partition, from: first, to: end }))
    .filter(({ partition }) => only === undefined || partition === only)
  for await (const { partition, records } of readBatches(backend, letterTopic, wanted, signal)) {
    for (const record of records) yield { partition, offset: record.offset, letter: parseLetter(record) }
  }
}

/** A dead-letter topic; the source and the group are what its letters say, null where it has none. */
export interface DeadLetterTopic {
  readonly deadLetterTopic: string
  readonly topic: string | null
  readonly group: string | null
  /** Records in it; a letter that was written twice counts twice. */
  readonly letters: number
  /** ISO time of the last failure. */
  readonly newest: string | null
}

export interface DeadLetterFilter {
  readonly topic?: string | undefined
  readonly group?: string | undefined
}

/** The dead-letter topics, of one source topic or one group where asked for; reads their letters through. ERR_ABORTED. */
export async function* listDeadLetterTopics(
  backend: Backend,
  filter: DeadLetterFilter,
  options: { readonly signal?: AbortSignal; onCounted?(letters: number): void } = {},
): AsyncGenerator<DeadLetterTopic> {
  const names = (await backend.listTopics()).filter((name) => isDeadLetterTopic(name) && mayBe(name, filter))
  for (const name of names) {
    const found = await examine(backend, name, options)
    // A topic's name and a group's may both have dots, so only a letter tells them apart.
    const [topic, group] = [filter.topic ?? found.topic, filter.group ?? found.group]
    if (found.letters === 0 || (found.topic === topic && found.group === group)) yield found
  }
}

function mayBe(name: string, { topic, group }: DeadLetterFilter): boolean {
  if (topic !== undefined && group !== undefined) return name === deadLetterTopic(topic, group)
  if (topic !== undefined) return name.startsWith(`${topic}.`)
  return group === undefined || name.endsWith(deadLetterTopic('', group))
}

async function examine(
  backend: Backend,
  name: string,
  { signal, onCounted }: { readonly signal?: AbortSignal; onCounted?(letters: number): void },
): Promise<DeadLetterTopic> {
  let letters = 0
  let [topic, group, newest]: (string | null)[] = [null, null, null]
  for await (const { letter } of readLetters(backend, name, signal === undefined ? {} : { signal })) {
    onCounted?.(++letters)
    topic ??= letter?.source.topic ?? null
    group ??= letter?.group ?? null
    if (letter !== null && letter.failedAt > (newest ?? '')) newest = letter.failedAt
  }
  return { deadLetterTopic: name, topic: topic ?? null, group: group ?? null, letters, newest: newest ?? null }
}
