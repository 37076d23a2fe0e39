import { checkSize } from '../refusals.ts'
import { MAX_UNPACKED_BYTES } from '../unpack.ts'
import type { AppendResult } from '../../core/backend.ts'
import { DrawbridgeError, isDrawbridgeError } from '../../core/errors.ts'
import type { NewRecord } from '../../core/record.ts'
import { isDeadLetterTopic } from '../../core/topic.ts'
import { type Batch, type Produced, initProducerId } from './calls-log.ts'
import { type Cluster, persist } from './cluster.ts'
import type { Codec } from './compression.ts'
import { type Author, BATCH_OVERHEAD_BYTES, boundOf, compressBatch, encodeBatch } from './encode-batch.ts'
import { KAFKA, isMoving, kafkaError, leaderError, withOutcome } from './errors.ts'
import { createSender } from './sender.ts'

/** Kafka's own default of max.message.bytes, batch overhead included; a record of MAX_BYTES fits. */
export const MAX_BATCH_BYTES = 1_048_588
/** Letters of records of topics that take larger ones; below Kafka's default of socket.request.max.bytes. */
export const MAX_LETTER_BYTES = 67_108_864
/** How long the broker's memory of sequence numbers is asked for the outcome of a batch whose answer was lost. */
const RESOLVE_MS = 15_000
const RESOLVE_PAUSE_MS = 100
/** How long a partition without a leader is asked again; core tries on after that, with longer pauses. */
const SETTLE_MS = 3_000
const SETTLE_PAUSE_MS = 25
const SEQUENCE_END = 2 ** 31

export interface Appender {
  append(topic: string, partition: number, records: readonly NewRecord[]): Promise<AppendResult>
}

/** What Kafka knows of our appends to one partition. Another author is taken after an outcome that stayed unknown. */
interface Line {
  author: Author | undefined
  sequence: number
  tail: Promise<unknown>
}

/**
 * Appends idempotently, one batch of a partition at a time. A batch whose answer is lost is offered again with the same
 * author and sequence numbers until the broker says what became of it: it stores such a batch once (KIP-98). So an
 * outcome is `unknown` only where no leader answers for RESOLVE_MS, and then the author is given up: the broker would
 * take the next batch of the same numbers for the lost one and acknowledge it without storing it.
 */
export function createAppender(cluster: Cluster, codec: Codec, isClosed: () => boolean): Appender {
  const lines = new Map<string, Line>()
  const sender = createSender(cluster)
  let shared: Author | undefined
  let asking: Promise<Author> | undefined

  return {
    append(topic, partition, records) {
      const key = `${topic}/${partition}`
      const line = lines.get(key) ?? { author: undefined, sequence: 0, tail: Promise.resolve() }
      lines.set(key, line)
      const appended = line.tail.then(() => appendAll(line, topic, partition, records))
      line.tail = appended.catch(() => undefined)
      return appended
    },
  }

  async function appendAll(
    line: Line,
    topic: string,
    partition: number,
    records: readonly NewRecord[],
  ): Promise<AppendResult> {
    const maxBytes = isDeadLetterTopic(topic) ? MAX_UNPACKED_BYTES : undefined
    for (const [index, record] of records.entries()) checkSize(topic, partition, index, record, maxBytes)
    let firstOffset: number | null = null
    for (let at = 0; at < records.length; ) {
      const end = batchEnd(records, at)
      const batch = records.slice(at, end)
      const attempt = () => store(line, topic, partition, batch)
      try {
        // Once a part is stored, `not-written` would be a lie about the whole: such failures are mended here, for a time.
        const { offset } = await (at === 0 ? attempt() : persist(attempt, RESOLVE_MS, 'not-written'))
        if (at === 0) firstOffset = offset
      } catch (error) {
        throw at > 0 && isDrawbridgeError(error) ? withOutcome(error, 'unknown') : error
      }
      at = end
    }
    return { firstOffset }
  }

  async function store(line: Line, topic: string, partition: number, records: readonly NewRecord[]): Promise<Stored> {
    if (line.sequence + records.length >= SEQUENCE_END) giveUp(line)
    if (line.author === undefined) {
      line.author = await takeAuthor()
      line.sequence = 0
    }
    const place = `topic ${JSON.stringify(topic)}, partition ${partition}`
    let bytes = await compressBatch(encodeBatch(records, line.author, line.sequence), codec)
    const letter = isDeadLetterTopic(topic)
    // What another client sent compressed may be larger than anything of ours; its letter has to be written all the same.
    if (letter && bytes.length > MAX_BATCH_BYTES && codec === 'none') bytes = await compressBatch(bytes, 'gzip')
    if (bytes.length > (letter ? MAX_LETTER_BYTES : MAX_BATCH_BYTES)) throw kafkaError(KAFKA.MESSAGE_TOO_LARGE, place)
    const batch = { topic, partition, bytes }
    let outcome = await offerUntilSettled(place, batch)
    if ('open' in outcome && outcome.open) outcome = await resolve(place, batch, outcome)
    if ('error' in outcome) {
      if (outcome.open || outcome.forgotten) giveUp(line)
      throw outcome.error
    }
    line.sequence += records.length
    return outcome
  }

  /** Only that it is stored ends the doubt; every other answer may be about this offer alone. */
  async function resolve(place: string, batch: Batch, doubt: Failed): Promise<Stored | Failed> {
    const until = performance.now() + RESOLVE_MS
    while (performance.now() < until && !isClosed()) {
      await new Promise((done) => setTimeout(done, RESOLVE_PAUSE_MS))
      cluster.forgetTopic(batch.topic)
      const outcome = await offer(place, batch)
      if (!('error' in outcome)) return outcome
      if (outcome.forgotten) break
    }
    return doubt
  }

  /** A leader that has just been named refuses until it knows it itself, and nothing is written then. */
  async function offerUntilSettled(place: string, batch: Batch): Promise<Stored | Failed> {
    const until = performance.now() + SETTLE_MS
    for (;;) {
      const outcome = await offer(place, batch)
      if (!('error' in outcome) || outcome.open || performance.now() > until) return outcome
      if (!isMoving(Number(outcome.error.details['kafka'] ?? KAFKA.NONE))) return outcome
      await new Promise((done) => setTimeout(done, SETTLE_PAUSE_MS))
    }
  }

  async function offer(place: string, batch: Batch): Promise<Stored | Failed> {
    try {
      const node = await cluster.leaderOf(batch.topic, batch.partition)
      const outcome = judge(await sender.send(node, batch), place)
      if ('error' in outcome) cluster.forgetTopic(batch.topic)
      return outcome
    } catch (error) {
      cluster.forgetTopic(batch.topic)
      const known = isDrawbridgeError(error) ? error : kafkaError(KAFKA.NONE, place, 'unknown')
      return { error: known, open: known.details['outcome'] === 'unknown', forgotten: false }
    }
  }

  function giveUp(line: Line): void {
    if (line.author === shared) shared = undefined
    line.author = undefined
  }

  /** One author serves all partitions; one that a partition has given up is taken by no partition anew. */
  async function takeAuthor(): Promise<Author> {
    if (shared !== undefined) return shared
    // A broker that has just started is still loading what it knows of authors; nothing is written before it answers.
    asking ??= persist(askAuthor, RESOLVE_MS, 'not-written').finally(() => {
      asking = undefined
    })
    const found = await asking
    shared ??= found
    return found
  }

  async function askAuthor(): Promise<Author> {
    const { error, id, epoch } = await cluster.toAny(initProducerId()).catch((cause: unknown) => {
      throw isDrawbridgeError(cause) ? withOutcome(cause, 'not-written') : cause
    })
    if (error !== KAFKA.NONE)
      throw kafkaError(error, 'a producer id', 'not-written', 'Write on a topic, or IdempotentWrite on the cluster')
    return { id, epoch }
  }
}

interface Stored {
  /** null where the broker tells that it is stored, but not where. */
  readonly offset: number | null
}

interface Failed {
  readonly error: DrawbridgeError
  /** Whether the batch may be in the log, or come to be, nevertheless. */
  readonly open: boolean
  /** The broker does not know the author's numbers. */
  readonly forgotten: boolean
}

function judge({ error, baseOffset }: Produced, place: string): Stored | Failed {
  switch (error) {
    case KAFKA.NONE:
      return { offset: baseOffset }
    case KAFKA.DUPLICATE_SEQUENCE_NUMBER:
      return { offset: null }
    case KAFKA.REQUEST_TIMED_OUT:
    case KAFKA.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return { error: kafkaError(error, place, 'unknown'), open: true, forgotten: false }
    default: {
      const forgotten = error === KAFKA.OUT_OF_ORDER_SEQUENCE_NUMBER || error === KAFKA.UNKNOWN_PRODUCER_ID
      return { error: leaderError(error, place, 'Write on the topic'), open: false, forgotten }
    }
  }
}

function batchEnd(records: readonly NewRecord[], from: number): number {
  let bytes = BATCH_OVERHEAD_BYTES
  let end = from
  while (end < records.length) {
    bytes += boundOf(records[end] as NewRecord)
    if (bytes > MAX_BATCH_BYTES && end > from) break
    end++
  }
  return end
}
