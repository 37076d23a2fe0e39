import { MAX_BYTES, checkSize, partitionUnknown } from '../refusals.ts'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { AppendResult, Backend, BackendOptions, FeedOptions, StartPosition } from '../../core/backend.ts'
import type { TopicSpec } from '../../core/topic-spec.ts'
import { systemClock } from '../../core/clock.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import type { NewRecord } from '../../core/record.ts'
import { murmur2Partition } from '../murmur2.ts'
import { encodeAppend } from './chunk.ts'
import { compactStore } from './compaction.ts'
import { type TopicDoc, getPartition, getTopic } from './documents.ts'
import { closedError, storeFailed, topicUnknown, withOutcome } from './errors.ts'
import { type EmbeddedFeed, openEmbeddedFeed } from './feed.ts'
import { describeOneGroup, listAllGroups } from './groups.ts'
import { openLmdb } from './lmdb.ts'
import { sharedFileSystem } from './place.ts'
import { type EmbeddedReader, createReader } from './reader.ts'
import { type Snapshot, allTopics, createReadStore, offsetAt } from './reading.ts'
import type { FirstPositions, Request, ResultOf } from './requests.ts'
import { needsSweep } from './sweep.ts'
import { createSweeper } from './sweeper.ts'
import { createWatch } from './watch.ts'
import { openWriterThread } from './writer-thread.ts'

const MAX_PARTITIONS = 10_000

/** How often a process looks for what retention, compaction and deleted topics have left, milliseconds. */
const SWEEP_MS = 5_000

/**
 * Opens the store a URL `embedded:DIR` names, creating it where there is none. Processes of one machine share a store.
 * ERR_CONFIG, ERR_STORE_BUSY, ERR_STORE_FOREIGN, ERR_STORE_FULL, ERR_STORE_FAILED.
 */
export async function openEmbedded(
  url: string,
  options: BackendOptions,
  { sweepMs = SWEEP_MS } = {},
): Promise<Backend> {
  const { log, clock = systemClock } = options
  const dir = parseDirectory(url)
  const feeds = new Set<EmbeddedFeed>()
  const readers = new Set<EmbeddedReader>()
  let closing: Promise<void> | undefined
  let failure: DrawbridgeError | undefined

  const writer = await openWriterThread(dir, log, onFailed)
  const shared = sharedFileSystem(dir)
  if (shared !== undefined)
    log.warn(
      { dir, fileSystem: shared },
      'the store stands on a file system that machines share: use it from one machine only',
    )
  const db = openLmdb(dir, { readOnly: true })
  const readStore = createReadStore(db)
  const watch = createWatch(read, onFailed)
  const sweeper = createSweeper({
    log,
    everyMs: sweepMs,
    isNeeded: () => {
      // A process that was killed while it read would keep its pages from being used again.
      db.readerCheck()
      return read(needsSweep)
    },
    sweep: () => send({ kind: 'sweep', skewMs: skew() }),
    compact: (isClosed) => compactStore({ read, send, skewMs: skew, isClosed }),
  })

  return {
    name: 'embedded',
    capabilities: { appendOffsets: true, compaction: true, maxRecordBytes: MAX_BYTES },
    createTopic,
    widenTopic: async (topic, partitions) => {
      checkOpen()
      checkPartitions(topic, partitions)
      await send({ kind: 'widenTopic', topic, partitions })
    },
    deleteTopic: async (topic) => {
      checkOpen()
      await send({ kind: 'deleteTopic', topic })
      sweeper.wake()
    },
    describeTopic: async (topic) =>
      look((snapshot) => {
        const { id, partitions, compact, retentionMs, retentionBytes, incarnation } = topicDoc(snapshot, topic)
        const states = Array.from({ length: partitions }, (_, p) => getPartition(snapshot, id, p))
        const ranges = states.map((state) => ({ first: state?.first ?? 0, end: state?.next ?? 0 }))
        return { name: topic, partitions, compact, retentionMs, retentionBytes, incarnation, ranges }
      }),
    listTopics: async () => look((snapshot) => allTopics(snapshot).map(([name]) => name)),
    partitionFor: murmur2Partition,
    append,
    openFeed,
    openReader: async (options) => {
      const { id, partitions } = look((snapshot) => topicDoc(snapshot, options.topic))
      for (const { partition } of options.ranges) {
        if (partition >= partitions) throw partitionUnknown(options.topic, partition, partitions)
      }
      const reader = createReader(read, watch, id, options, (done) => readers.delete(done))
      readers.add(reader)
      return reader
    },
    offsetsAt: async (topic, timestamp) => look((snapshot) => offsetsAt(snapshot, topic, timestamp)),
    listGroups: async () => look(listAllGroups),
    describeGroup: async (group, topic) =>
      look((snapshot) => describeOneGroup(snapshot, group, topic, topicDoc(snapshot, topic))),
    resetGroup: async (group, topic, positions) => {
      checkOpen()
      await send({ kind: 'reset', group, topic, positions })
    },
    deleteGroup: async (group, topic) => {
      checkOpen()
      await send({ kind: 'deleteGroup', group, topic })
    },
    close: () => (closing ??= close()),
  }

  async function createTopic(spec: TopicSpec): Promise<void> {
    checkOpen()
    checkPartitions(spec.name, spec.partitions)
    await send({ ...spec, kind: 'createTopic', incarnation: randomUUID(), skewMs: skew() })
  }

  async function append(topic: string, partition: number, records: readonly NewRecord[]): Promise<AppendResult> {
    checkOpen()
    for (const [index, record] of records.entries()) checkSize(topic, partition, index, record)
    const { buffer, chunks } = encodeAppend(records)
    const request = { kind: 'append', topic, partition, buffer, chunks, skewMs: skew() } as const
    const { firstOffset } = await send(request, [buffer])
    return { firstOffset }
  }

  async function openFeed(options: FeedOptions): Promise<EmbeddedFeed> {
    checkOpen()
    const { id } = look((snapshot) => topicDoc(snapshot, options.topic))
    const from = firstPositions(options.topic, options.from)
    const context = {
      read,
      watch,
      send,
      log,
      topicId: id,
      from,
      onClose: (done: EmbeddedFeed) => feeds.delete(done),
    }
    const feed = await openEmbeddedFeed(context, options)
    feeds.add(feed)
    // Closed while joining: nobody holds the feed yet, so it is ended here.
    if (closing !== undefined) await feed.close()
    checkOpen()
    return feed
  }

  function firstPositions(topic: string, from: StartPosition): FirstPositions {
    if (typeof from === 'string' || 'offsets' in from) return from
    const found = look((snapshot) => offsetsAt(snapshot, topic, from.timestamp))
    return { offsets: Object.fromEntries(found.entries()) }
  }

  /** What this process has written its own waiting pulls and members hear of at once. */
  async function send<R extends Request>(request: R, transfer?: readonly ArrayBuffer[]): Promise<ResultOf<R>> {
    const result = await writer.send(request, transfer)
    watch.nudge()
    return result
  }

  function look<T>(run: (snapshot: Snapshot) => T): T {
    checkOpen()
    return read(run)
  }

  /** Still works while feeds say goodbye. */
  function read<T>(run: (snapshot: Snapshot) => T): T {
    try {
      return readStore(run)
    } catch (error) {
      throw isDrawbridgeError(error) ? error : storeFailed(dir, errorText(error), 'unknown', error)
    }
  }

  function topicDoc(snapshot: Snapshot, topic: string): TopicDoc {
    const doc = getTopic(snapshot, topic)
    if (doc === undefined) throw topicUnknown(dir, topic)
    return doc
  }

  function offsetsAt(snapshot: Snapshot, topic: string, timestamp: number): number[] {
    const { id, partitions } = topicDoc(snapshot, topic)
    return Array.from({ length: partitions }, (_, partition) => offsetAt(snapshot, id, partition, timestamp))
  }

  function skew(): number {
    return clock === systemClock ? 0 : clock.now() - Date.now()
  }

  function checkOpen(): void {
    if (closing !== undefined) throw closedError(dir)
    if (failure !== undefined) throw failure
  }

  function onFailed(error: unknown): void {
    if (failure !== undefined) return
    const found = isDrawbridgeError(error) ? error : storeFailed(dir, errorText(error), 'unknown', error)
    failure = withOutcome(found, 'not-written')
    log.error({ dir, code: found.code }, found.message)
    for (const opened of [...feeds, ...readers]) opened.fail(found)
  }

  async function close(): Promise<void> {
    await sweeper.close()
    await Promise.all([...feeds, ...readers].map((open) => open.close()))
    watch.close()
    await db.close()
    await writer.close()
  }
}

function checkPartitions(topic: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS) return
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `topic ${JSON.stringify(topic)}: ${partitions} partitions; give a whole number from 1 to ${MAX_PARTITIONS}`,
  )
}

function parseDirectory(url: string): string {
  const dir = /^embedded:(.+)$/is.exec(url)?.[1]
  if (dir === undefined || dir.startsWith('//')) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      'an embedded store is named by its directory: write embedded:./.drawbridge or embedded:/var/lib/drawbridge',
    )
  }
  return resolve(dir)
}
