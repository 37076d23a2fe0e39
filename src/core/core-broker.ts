import type { Backend } from './backend.ts'
import type { BatchOptions, Broker, PartitionRange, Producer, SubscribeOptions, Subscription } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import { DrawbridgeError } from './errors.ts'
import type { Log } from './log.ts'
import { oneOf, wholeNumber } from './options.ts'
import { parseStart, resolveFrom } from './position.ts'
import { createProducer } from './producer.ts'
import { readMessages } from './reader.ts'
import { checkRetained, countRecords, resolveRange } from './replay.ts'
import { createReplayBounds, type ReplayRange } from './replay-bounds.ts'
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts'
import { openSubscription, type SubscriptionParts } from './subscription.ts'
import { checkGroupName, checkTopicName, isInternalTopic, type Topic } from './topic.ts'
import { createBatchAssembler, createSingleAssembler } from './work.ts'

export interface CoreParts {
  readonly backend: Backend
  readonly clock: Clock
  readonly log: Log
  /** ERR_SCHEMA_UNKNOWN when the topic's schema is not registered, for writing. */
  codecFor<T>(topic: Topic<T>, use: 'read' | 'write'): Promise<Codec<T>>
}

/** What a broker does with records: everything of `Broker` but declaring. */
export type CoreBroker = Pick<
  Broker,
  'producer' | 'subscribe' | 'subscribeBatches' | 'read' | 'topics' | 'groups' | 'close'
>

const INFINITY = Number.POSITIVE_INFINITY

export function createCoreBroker(parts: CoreParts): CoreBroker {
  const { backend, clock, log } = parts
  const producers = new Set<Pick<Producer<never>, 'close'>>()
  const subscriptions = new Set<Subscription>()
  const replays = createReplayBounds(backend, clock)
  let closing: Promise<void> | undefined

  function checkOpen(): void {
    if (closing !== undefined) throw new DrawbridgeError('ERR_CLOSED', 'the broker connection is closed; connect again')
  }

  async function subscriptionParts<T>(
    topic: Topic<T>,
    options: SubscribeOptions,
  ): Promise<Omit<SubscriptionParts<T>, 'assemble' | 'handle' | 'onEnded'>> {
    checkOpen()
    const described = await backend.describeTopic(topic.name)
    const concurrency = wholeNumber('concurrency', options.concurrency, 1, 1, 10_000)
    const delivery = oneOf('delivery', options.delivery, ['at-least-once', 'at-most-once'])
    return {
      backend,
      replays,
      clock,
      log,
      topic: topic.name,
      group: checkGroupName(options.group, topic.name),
      from: parseStart(options.from, described),
      codec: await parts.codecFor(topic, 'read'),
      concurrency,
      maxInFlight: wholeNumber('maxInFlight', options.maxInFlight, 1_000, 1, 100_000),
      maxInFlightBytes: wholeNumber('maxInFlightBytes', options.maxInFlightBytes, 16 * 1_048_576, 1),
      handlerTimeoutMs: wholeNumber('handlerTimeoutMs', options.handlerTimeoutMs, INFINITY, 1, INFINITY),
      onFailure: oneOf('onFailure', options.onFailure, ['dead-letter', 'stop', 'continue']),
      retry: retryPolicy(options.retry),
      commitAhead: delivery === 'at-most-once' ? concurrency : null,
      onPositionLost: oneOf('onPositionLost', options.onPositionLost, ['earliest', 'stop']),
      drainTimeoutMs: wholeNumber('drainTimeoutMs', options.drainTimeoutMs, 30_000, 0),
    }
  }

  async function open<T>(given: Omit<SubscriptionParts<T>, 'onEnded'>): Promise<Subscription> {
    const opened: Subscription = await openSubscription({ ...given, onEnded: () => void subscriptions.delete(opened) })
    subscriptions.add(opened)
    return opened
  }

  return {
    producer<T>(topic: Topic<T>, options = {}) {
      checkOpen()
      const producer = createProducer<T>({
        backend,
        topic,
        clock,
        options,
        async prepare() {
          const described = await backend.describeTopic(topic.name)
          return { codec: await parts.codecFor(topic, 'write'), partitions: described.partitions }
        },
      })
      producers.add(producer)
      const close = async () => {
        await producer.close()
        producers.delete(producer)
      }
      return { ...producer, close, [Symbol.asyncDispose]: close }
    },

    async subscribe(topic, options, handler) {
      const shared = await subscriptionParts(topic, options)
      return await open({
        ...shared,
        assemble: createSingleAssembler,
        handle: (messages, signal) => handler(messages[0] as (typeof messages)[number], signal),
      })
    },

    async subscribeBatches(topic, options: BatchOptions, handler) {
      const shared = await subscriptionParts(topic, { ...options, concurrency: 10_000 })
      const bounds = {
        maxRecords: wholeNumber('maxBatchRecords', options.maxBatchRecords, 500, 1, 100_000),
        maxBytes: wholeNumber('maxBatchBytes', options.maxBatchBytes, 4 * 1_048_576, 1),
        maxWaitMs: wholeNumber('maxBatchWaitMs', options.maxBatchWaitMs, 1_000, 1),
      }
      return await open({
        ...shared,
        // A window smaller than a batch could never fill it.
        maxInFlight: Math.max(shared.maxInFlight, 2 * bounds.maxRecords),
        assemble: (emit) => createBatchAssembler(bounds, clock, emit),
        handle: handler,
      })
    },

    read(topic, options = {}) {
      async function codec() {
        checkOpen()
        return await parts.codecFor(topic, 'read')
      }
      return readMessages({ backend, topic: topic.name, codec, options })
    },

    topics: {
      async list() {
        return (await backend.listTopics()).filter((name) => !isInternalTopic(name))
      },
      describe: (name) => backend.describeTopic(name),
      widen: (name, partitions) => backend.widenTopic(name, wholeNumber('partitions', partitions, 1, 1, 10_000)),
      async delete(name) {
        await backend.deleteTopic(checkTopicName(name))
        await replays.forget(name)
      },
      async count(name, options = {}) {
        const described = await backend.describeTopic(name)
        const range = await resolveRange(backend, described, { from: options.from ?? 'earliest', to: options.to })
        const counts = await countRecords(backend, name, range, options)
        return describeRange(range).map((row, partition) => ({ ...row, records: counts[partition] ?? 0 }))
      },
    },

    groups: {
      async list() {
        return (await backend.listGroups()).filter(({ topic }) => !isInternalTopic(topic))
      },
      async describe(group, topic) {
        const described = await backend.describeGroup(group, nameOf(topic))
        const replay = await replays.peek(group, nameOf(topic))
        return replay === undefined ? described : { ...described, replay: describeRange(replay) }
      },
      async delete(group, topic) {
        const name = nameOf(topic)
        await replays.move(group, name, null, () => backend.deleteGroup(group, name))
      },
      async reset(group, topic, { to }) {
        const described = await backend.describeTopic(nameOf(topic))
        checkGroupName(group, described.name)
        const offsets = checkRetained(await resolveFrom(backend, described, to), described)
        await replays.move(group, described.name, null, () => backend.resetGroup(group, described.name, offsets))
      },
      async replay(group, topic, options) {
        const described = await backend.describeTopic(nameOf(topic))
        const { name } = described
        checkGroupName(group, name)
        const range = await resolveRange(backend, described, options)
        checkRetained(range.from, described)
        await (options.dryRun === true
          ? replays.checkIdle(group, name)
          : replays.move(group, name, range, () => backend.resetGroup(group, name, range.from)))
        return describeRange(range)
      },
    },

    close() {
      closing ??= (async () => {
        const ends = [...[...subscriptions].map((each) => each.stop()), ...[...producers].map((each) => each.close())]
        const results = await Promise.allSettled(ends)
        await backend.close()
        const failed = results.find((result) => result.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      })()
      return closing
    },
  }
}

function describeRange({ from, to }: ReplayRange): readonly PartitionRange[] {
  return from.map((offset, partition) => ({ partition, from: offset, to: to[partition] ?? offset }))
}

function nameOf(topic: string | { readonly name: string }): string {
  return typeof topic === 'string' ? topic : topic.name
}

function retryPolicy(given: SubscribeOptions['retry'] = {}): RetryPolicy {
  return {
    attempts: wholeNumber('retry.attempts', given.attempts, DEFAULT_RETRY.attempts, 1, INFINITY),
    minDelayMs: wholeNumber('retry.minDelayMs', given.minDelayMs, DEFAULT_RETRY.minDelayMs, 0),
    maxDelayMs: wholeNumber('retry.maxDelayMs', given.maxDelayMs, DEFAULT_RETRY.maxDelayMs, 0),
    maxRetryMs: wholeNumber('retry.maxRetryMs', given.maxRetryMs, DEFAULT_RETRY.maxRetryMs, 0, INFINITY),
  }
}
