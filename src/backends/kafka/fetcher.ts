import type { PullLimits } from '../../core/backend.ts'
import { errorText, isDrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Fetched, fetchRecords } from './calls-log.ts'
import type { Cluster } from './cluster.ts'
import { type Cursor, type CursorOptions, createCursor } from './cursor.ts'
import { type Chunk, createChunk, damaged } from './decode-batch.ts'
import { KAFKA, isMoving, kafkaError, topicUnknown } from './errors.ts'

/** How long a node waits for a record when all partitions asked for are read to their ends. */
const TAIL_WAIT_MS = 500
/** How long it waits for one that came to its end while the others' request is still waiting. */
const SHORT_WAIT_MS = 20
const ANSWER_TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 8_388_608
const PAUSE_MS = 100
const LONG_PAUSE_MS = 1_000
/** A topic nobody knows for so long was deleted; before, a node may only be late to hear of it. */
const GONE_MS = 10_000

export interface FetcherOptions {
  readonly topic: string
  /** Lanes of this fetcher begin so. */
  readonly lane: string
  readonly limits: PullLimits
  readonly log: Log
  /** Retention (or a truncated log) has passed the position. The cursor is quiet until it is moved or removed. */
  onOutOfRange(partition: number): void
  /** This partition, or with null the topic, can be read no further. */
  onFailed(partition: number | null, error: Error): void
}

/** Keeps cursors filled: one request under way per node for what lags behind, one for what waits at the end. */
export interface Fetcher {
  add(partition: number, options: Omit<CursorOptions, 'limits' | 'onRoom'>): Cursor
  remove(partition: number): void
  /** Goes on after `onOutOfRange`, at the cursor's place or `offset`, whichever is later, `delayMs` from now. */
  resume(partition: number, offset: number, delayMs: number): void
  close(): void
}

type Pace = 'behind' | 'tail'

interface Reading {
  readonly cursor: Cursor
  busy: boolean
  /** No request before then (performance.now()). */
  notBefore: number
  /** As last told; a position below has records waiting. */
  end: number
  /** Ask for it alone: an empty answer then proves that nothing is there. */
  alone: boolean
  /** Where the last answer could not be read. */
  damagedAt: number | undefined
}

export function createFetcher(cluster: Cluster, options: FetcherOptions): Fetcher {
  const { topic, lane, limits, log } = options
  const readings = new Map<number, Reading>()
  const busyLanes = new Set<string>()
  /** By lane: chunks that share the memory of its last answer. */
  const sharing = new Map<string, readonly Chunk[]>()
  let scheduled = false
  let timer: NodeJS.Timeout | undefined
  let unknownSince: number | undefined
  let closed = false

  return {
    add(partition, cursorOptions) {
      const cursor = createCursor({ ...cursorOptions, limits, onRoom: schedule })
      readings.set(partition, {
        cursor,
        busy: false,
        notBefore: 0,
        end: Number.POSITIVE_INFINITY,
        alone: false,
        damagedAt: undefined,
      })
      schedule()
      return cursor
    },
    remove(partition) {
      readings.get(partition)?.cursor.end()
      readings.delete(partition)
    },
    resume(partition, offset, delayMs) {
      const reading = readings.get(partition)
      if (reading === undefined) return
      reading.cursor.skipTo(offset)
      reading.notBefore = performance.now() + delayMs
      later(delayMs)
    },
    close() {
      closed = true
      clearTimeout(timer)
      for (const { cursor } of readings.values()) cursor.end()
      readings.clear()
      cluster.dropLanes(lane)
    },
  }

  function schedule(): void {
    if (scheduled || closed) return
    scheduled = true
    queueMicrotask(() => {
      scheduled = false
      void ask()
    })
  }

  function later(ms: number): void {
    clearTimeout(timer)
    if (!closed) timer = setTimeout(schedule, ms)
  }

  async function ask(): Promise<void> {
    const now = performance.now()
    const wanting = [...readings].filter(([, each]) => !each.busy && each.cursor.wanting)
    const ready = wanting.filter(([, { notBefore }]) => notBefore <= now)
    if (ready.length < wanting.length) later(PAUSE_MS)
    const groups = new Map<string, { node: number; pace: Pace; parts: [number, Reading][] }>()
    // What has to be asked for alone comes first, or others would take its place again and again.
    for (const [partition, reading] of ready.sort(([, a], [, b]) => Number(b.alone) - Number(a.alone))) {
      let node: number
      try {
        node = await cluster.leaderOf(topic, partition)
      } catch (error) {
        onAskFailed(reading, error)
        continue
      }
      const behind = reading.cursor.fetchFrom < reading.end
      const pace = behind || busyLanes.has(`${node}/tail`) ? 'behind' : 'tail'
      const key = `${node}/${pace}`
      const group = groups.get(key) ?? { node, pace, parts: [] }
      groups.set(key, group)
      const solitary = group.parts[0]?.[1].alone === true
      if (!solitary && !(reading.alone && group.parts.length > 0)) group.parts.push([partition, reading])
    }
    for (const [key, group] of groups) {
      if (!busyLanes.has(key) && !closed) void fetchSome(key, group)
    }
  }

  async function fetchSome(
    key: string,
    { node, pace, parts }: { node: number; pace: Pace; parts: readonly [number, Reading][] },
  ): Promise<void> {
    const asked = parts.filter(([partition, reading]) => readings.get(partition) === reading && !reading.busy)
    if (asked.length === 0) return
    busyLanes.add(key)
    for (const [, reading] of asked) reading.busy = true
    try {
      const from = asked.map(([partition, { cursor }]) => ({
        partition,
        offset: cursor.fetchFrom,
        maxBytes: limits.maxBytes,
      }))
      const lagging = asked.some(([, { cursor, end }]) => cursor.fetchFrom < end)
      const waitMs = pace === 'tail' ? TAIL_WAIT_MS : lagging ? 0 : SHORT_WAIT_MS
      const waits = { waitMs, maxBytes: MAX_ANSWER_BYTES }
      const answer = await cluster.toNode(node, `${lane}${pace}`, fetchRecords(topic, from, waits), ANSWER_TIMEOUT_MS)
      if (answer.error !== KAFKA.NONE) throw kafkaError(answer.error, `topic ${JSON.stringify(topic)}`)
      // One slow partition must not keep answer after answer in memory; most chunks are empty by now.
      for (const chunk of sharing.get(key) ?? []) chunk.detach()
      const byPartition = new Map(answer.parts.map((part) => [part.partition, part]))
      const chunks: Chunk[] = []
      for (const [partition, reading] of asked) {
        const part = byPartition.get(partition)
        if (part === undefined || readings.get(partition) !== reading) continue
        const chunk = take(partition, reading, part, asked.length === 1)
        if (chunk !== undefined) chunks.push(chunk)
      }
      sharing.set(key, answer.parts.length > 1 ? chunks : [])
    } catch (error) {
      cluster.forgetTopic(topic)
      for (const [, reading] of asked) onAskFailed(reading, error)
    } finally {
      for (const [, reading] of asked) reading.busy = false
      busyLanes.delete(key)
      schedule()
    }
  }

  /** `alone`: nothing else was asked for. Gives what has gone into the cursor. */
  function take(partition: number, reading: Reading, part: Fetched, alone: boolean): Chunk | undefined {
    if (part.error !== KAFKA.NONE) {
      onPartFailed(partition, reading, part.error)
      return undefined
    }
    unknownSince = undefined
    const { cursor } = reading
    reading.end = part.end
    try {
      const { records: bytes } = part
      const place = placeOf(partition)
      const chunk = createChunk({ bytes, from: cursor.fetchFrom, aborted: part.aborted, place })
      reading.damagedAt = undefined
      if (chunk.next > cursor.fetchFrom) {
        reading.alone = false
        cursor.push(chunk)
        return chunk
      } else if (alone && bytes.length > 0) {
        // Kafka never cuts the first batch, and to pass over it would be a loss that nobody hears of.
        throw damaged(place, cursor.fetchFrom, 'the answer ends inside it')
      } else if (cursor.fetchFrom < part.end) {
        // With others, an empty part may only mean that the answer was full.
        if (alone) cursor.skipTo(part.end)
        reading.alone = !alone
      }
    } catch (error) {
      // Once it may have been hurt on its way.
      if (reading.damagedAt !== cursor.fetchFrom) {
        reading.damagedAt = cursor.fetchFrom
        log.warn({ topic, partition, error: errorText(error) }, 'a batch is damaged, asking for it once more')
        return undefined
      }
      options.onFailed(partition, error as Error)
      reading.notBefore = Number.POSITIVE_INFINITY
    }
    return undefined
  }

  function placeOf(partition: number): string {
    return `topic ${JSON.stringify(topic)}, partition ${partition}`
  }

  function onPartFailed(partition: number, reading: Reading, error: number): void {
    if (error === KAFKA.OFFSET_OUT_OF_RANGE) {
      reading.notBefore = Number.POSITIVE_INFINITY
      options.onOutOfRange(partition)
      return
    }
    cluster.forgetTopic(topic)
    onAskFailed(reading, kafkaError(error, placeOf(partition), 'not-written', 'Read on the topic'))
  }

  function onAskFailed(reading: Reading, error: unknown): void {
    if (closed) return
    const kafka = isDrawbridgeError(error) ? Number(error.details['kafka'] ?? 0) : 0
    const gone = isDrawbridgeError(error) && error.code === 'ERR_TOPIC_UNKNOWN'
    const now = performance.now()
    if (!gone) unknownSince = undefined
    else if (now - (unknownSince ??= now) > GONE_MS) return options.onFailed(null, topicUnknown(topic))
    if (isDrawbridgeError(error) && error.verdict === 'refuse' && !gone) return options.onFailed(null, error)
    reading.notBefore = now + (isMoving(kafka) ? PAUSE_MS : LONG_PAUSE_MS)
    log.debug({ topic, error: errorText(error) }, 'fetch failed, trying again')
    later(PAUSE_MS)
  }
}
