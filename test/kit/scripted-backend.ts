import { MAX_BYTES, groupUnknown, partitionUnknown } from '../../src/backends/refusals.ts'
import type { Backend, Feed, RecordReader } from '../../src/core/backend.ts'
import { DrawbridgeError } from '../../src/core/errors.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'
import { createScriptedGroup, type ScriptedGroup } from './scripted-group.ts'
import { createScriptedLog, openCursor, type ScriptedLog } from './scripted-log.ts'

/**
 * A broker in memory that does what a script says: calls fail or wait, partitions are taken away at any moment. For core's
 * edge cases, which no real broker brings about on demand. It keeps the contract otherwise, and passes the lifecycle part
 * of the conformance suite.
 */
export interface ScriptedBroker {
  readonly clock: ManualClock
  readonly log: ScriptedLog
  /** A connection of its own. */
  open(): Backend
  /** Calls in the order in which they began, such as `append TOPIC PARTITION RECORDS`, `commit TOPIC PARTITION NEXT`, `pull TOPIC PARTITION`. */
  readonly calls: readonly string[]
  /** The next `times` calls that begin with these words fail before they do anything. */
  fail(call: string, error: Error, times?: number): void
  /** Calls that begin with these words wait until the returned function is called. */
  hold(call: string): () => void
  /** As it is now; made where it is not there. */
  group(group: string, topic: string): ScriptedGroup
  /** Retention passes this offset. */
  expire(topic: string, partition: number, below: number): void
}

export function createScriptedBroker(): ScriptedBroker {
  const clock = createManualClock()
  const log = createScriptedLog(clock)
  const groups = new Map<string, ScriptedGroup>()
  const calls: string[] = []
  const failures: { readonly call: string; readonly error: Error; times: number }[] = []
  const holds = new Set<{ readonly call: string; readonly released: Promise<void> }>()

  const is = (call: string, words: string) => call === words || call.startsWith(`${words} `)

  async function step(call: string): Promise<void> {
    calls.push(call)
    for (const hold of holds) if (is(call, hold.call)) await hold.released
    const failure = failures.find((each) => each.times > 0 && is(call, each.call))
    if (failure === undefined) return
    failure.times--
    throw failure.error
  }

  function group(name: string, topic: string): ScriptedGroup {
    const key = JSON.stringify([name, topic])
    const found = groups.get(key) ?? createScriptedGroup(log, name, topic)
    groups.set(key, found)
    return found
  }

  /** ERR_TOPIC_UNKNOWN, ERR_GROUP_UNKNOWN. */
  function known(name: string, topic: string): ScriptedGroup {
    log.topic(topic)
    const found = groups.get(JSON.stringify([name, topic]))
    if (found === undefined || (found.positions.length === 0 && !found.isLive())) throw groupUnknown(name, topic)
    return found
  }

  function checkIdle(found: ScriptedGroup): void {
    if (found.isLive()) throw new DrawbridgeError('ERR_GROUP_ACTIVE', `group ${found.group} has live members`)
  }

  function forget(found: ScriptedGroup): void {
    groups.delete(JSON.stringify([found.group, found.topic]))
  }

  function open(): Backend {
    const feeds = new Set<Feed>()
    const readers = new Set<RecordReader>()
    let closing: Promise<void> | undefined

    async function begin<T>(call: string, run: () => T | Promise<T>): Promise<T> {
      checkOpen()
      await step(call)
      checkOpen()
      return await run()
    }

    function checkOpen(): void {
      if (closing !== undefined)
        throw new DrawbridgeError('ERR_CLOSED', 'the scripted broker is closed', {
          details: { outcome: 'not-written' },
        })
    }

    async function close(): Promise<void> {
      await Promise.all([...feeds, ...readers].map((each) => each.close()))
    }

    return {
      name: 'scripted',
      capabilities: { appendOffsets: true, compaction: true, maxRecordBytes: MAX_BYTES },
      partitionFor: (key, partitions) => key.reduce((sum, byte) => (sum * 31 + byte) % 65_521, 7) % partitions,
      createTopic: (spec) => begin(`createTopic ${spec.name}`, () => log.create(spec)),
      widenTopic: (topic, partitions) =>
        begin(`widenTopic ${topic}`, () => {
          log.widen(topic, partitions)
          for (const each of groups.values()) if (each.topic === topic) each.assign()
        }),
      deleteTopic: (topic) =>
        begin(`deleteTopic ${topic}`, () => {
          log.topic(topic)
          const found = [...groups.values()].filter((each) => each.topic === topic)
          for (const each of found) checkIdle(each)
          for (const each of found) forget(each)
          log.remove(topic)
        }),
      describeTopic: (topic) => begin(`describeTopic ${topic}`, () => log.describe(topic)),
      listTopics: () => begin('listTopics', () => log.names()),
      append: (topic, partition, records) =>
        begin(`append ${topic} ${partition} ${records.length}`, () => log.append(topic, partition, records)),
      offsetsAt: (topic, timestamp) => begin(`offsetsAt ${topic}`, () => log.offsetsAt(topic, timestamp)),
      openFeed: (options) =>
        begin(`openFeed ${options.topic}`, async () => {
          log.topic(options.topic)
          const feed = await group(options.group, options.topic).join(options, step)
          feeds.add(feed)
          return feed
        }),
      openReader: ({ topic, ranges, limits }) =>
        begin(`openReader ${topic}`, () => {
          const stored = log.topic(topic)
          for (const { partition } of ranges) {
            if (stored.partitions[partition] === undefined)
              throw partitionUnknown(topic, partition, stored.partitions.length)
          }
          const cursors = new Map(ranges.map((range) => [range.partition, openCursor(stored, range, limits)]))
          const reader: RecordReader = {
            async pull(partition) {
              await step(`read ${topic} ${partition}`)
              return (await cursors.get(partition)?.pull()) ?? null
            },
            async close() {
              for (const cursor of cursors.values()) cursor.end()
            },
          }
          readers.add(reader)
          return reader
        }),
      listGroups: () =>
        begin('listGroups', () => [...groups.values()].map(({ group: name, topic }) => ({ group: name, topic }))),
      describeGroup: (name, topic) => begin(`describeGroup ${name}`, () => known(name, topic).describe()),
      resetGroup: (name, topic, positions) =>
        begin(`resetGroup ${name}`, () => {
          const { ranges } = log.describe(topic)
          const fits = (next: number, partition: number) =>
            Number.isSafeInteger(next) && next >= 0 && next <= (ranges[partition]?.end ?? -1)
          if (positions.length !== ranges.length || !positions.every(fits))
            throw new DrawbridgeError('ERR_CONFIG', `topic ${topic} has not the positions ${positions.join()}`)
          const found = group(name, topic)
          checkIdle(found)
          found.positions.splice(0, Infinity, ...positions)
        }),
      deleteGroup: (name, topic) =>
        begin(`deleteGroup ${name}`, () => {
          const found = known(name, topic)
          checkIdle(found)
          forget(found)
        }),
      close: () => (closing ??= close()),
    }
  }

  return {
    clock,
    log,
    open,
    calls,
    group,
    fail: (call, error, times = 1) => void failures.push({ call, error, times }),
    hold(call) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const hold = { call, released: promise }
      holds.add(hold)
      return () => {
        holds.delete(hold)
        resolve()
      }
    },
    expire(topic, partition, below) {
      log.expire(topic, partition, below)
      for (const each of groups.values()) if (each.topic === topic) each.overtake()
    },
  }
}
