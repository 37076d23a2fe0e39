import { randomBytes } from 'node:crypto'
import { DrawbridgeError, hasCode } from '../../core/errors.ts'
import { specText, type TopicSpec } from '../../core/topic-spec.ts'
import type { Connections } from './connections.ts'
import { awayError, brokerError, topicDiffers, topicUnknown, unsupported } from './errors.ts'
import type { Link } from './link.ts'
import { CODES, isRefusal } from './protocol/commands.ts'
import {
  createStream,
  createSuperStream,
  deleteStream,
  deleteSuperStream,
  queryPartitions,
  queryRoute,
} from './protocol/requests.ts'
import { queueOptions, retentionArguments } from './retention.ts'
import { takeTenure } from './tenure.ts'

/** A subscription's id is one byte, and one connection carries all of a member's. */
export const MAX_PARTITIONS = 250
/**
 * What the stream protocol cannot keep stands in the topology: streams have no attributes that a client could read, but
 * anybody may ask which streams are bound to an exchange, and by which key.
 */
const TOPICS = 'drawbridge.topics'
/** Binds a topic's name to a stream whose own name is its card: incarnation and retention. */
const CARDS = 'drawbridge.cards'
const NO_BOUND = '-'
/** The incarnation of a super stream that Drawbridge did not declare. */
export const FOREIGN = 'foreign'
/** Carries nothing; who is the active consumer of a topic's name on it may change that topic. */
const LOCKS = 'drawbridge.locks'
const CARD_ARGUMENTS = { 'stream-max-segment-size-bytes': '1000000' }

export interface Card {
  readonly incarnation: string
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
}

/** What there is of a topic. */
export interface Layout extends Card {
  readonly streams: readonly string[]
}

export interface Topology {
  create(spec: TopicSpec): Promise<void>
  widen(topic: string, partitions: number): Promise<void>
  delete(topic: string): Promise<void>
  /** ERR_TOPIC_UNKNOWN. */
  streams(topic: string): Promise<readonly string[]>
  /** ERR_TOPIC_UNKNOWN. A super stream that Drawbridge did not declare has the incarnation `foreign`. */
  layout(topic: string): Promise<Layout>
  list(): Promise<readonly string[]>
}

export function createTopology(connections: Connections, link: Link): Topology {
  const { place } = connections.target

  async function create(spec: TopicSpec): Promise<void> {
    const { name, partitions } = spec
    checkSpec(place, spec)
    if (await isThere(spec)) return
    await alone(name, async () => {
      if (await isThere(spec)) return
      const created = await link.ask(`creating topic ${name}`, async (connection) => {
        try {
          const streams = streamsOf(name, partitions)
          await createSuperStream(connection, name, streams, keysOf(partitions), retentionArguments(spec))
          return true
        } catch (error) {
          if (isRefusal(error, CODES.StreamAlreadyExists)) return false
          throw error
        }
      })
      if (!created) await adopt(spec)
      await bindCard(spec)
    })
  }

  /** True where the topic is as the spec says; ERR_TOPIC_DIFFERS where it is not; false where it has to be made or has no card. */
  async function isThere(spec: TopicSpec): Promise<boolean> {
    const seen = await layout(spec.name).catch((error: unknown) => {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return undefined
      throw error
    })
    if (seen === undefined || seen.incarnation === FOREIGN) return false
    const { streams, incarnation: _, ...retention } = seen
    const found = specText({ ...retention, partitions: streams.length, compact: false })
    if (found === specText(spec)) return true
    throw topicDiffers(spec.name, `with ${found}, not ${specText(spec)}`)
  }

  /** A super stream of another tool, or of somebody who died before the card, is taken if its streams were made alike. */
  async function adopt(spec: TopicSpec): Promise<void> {
    const { name } = spec
    const found = await streams(name)
    if (found.length !== spec.partitions)
      throw topicDiffers(name, `with ${found.length} partitions, not ${spec.partitions}`)
    await connections.withAmqp(async (amqp) => {
      const channel = await amqp.createChannel()
      channel.on('error', () => undefined)
      for (const stream of found) {
        try {
          await channel.assertQueue(stream, queueOptions(spec))
        } catch (error) {
          if (/PRECONDITION/.test(String(error))) throw topicDiffers(name, 'with another retention')
          throw error
        }
      }
    })
  }

  /**
   * Nobody else changes the topic meanwhile. Two CreateSuperStream of one name at once end in ruins: the one that meets
   * the other's streams takes its own exchange back, which is also the other's (rabbit_stream_manager, v4.0.5).
   */
  async function alone(topic: string, work: () => Promise<void>): Promise<void> {
    const connection = await connections.openStreams(`drawbridge topic ${topic}`)
    try {
      await createStream(connection, LOCKS, CARD_ARGUMENTS).catch((error: unknown) => {
        if (!isRefusal(error, CODES.StreamAlreadyExists)) throw error
      })
      const lock = await takeTenure(connection, LOCKS, topic)
      if (lock === undefined) throw new Error('somebody else has been changing it for a minute')
      await work()
      await lock.release()
    } catch (error) {
      throw brokerError(place, `changing topic ${topic}`, error, 'unknown')
    } finally {
      await connection.close()
    }
  }

  async function bindCard(spec: TopicSpec): Promise<void> {
    const { name } = spec
    const card = `drawbridge~${randomBytes(12).toString('base64url')}~${spec.retentionMs ?? NO_BOUND}~${spec.retentionBytes ?? NO_BOUND}`
    const stale = await link.ask(`reading the card of ${name}`, async (connection) => {
      const found = await queryRoute(connection, name, CARDS)
      await createStream(connection, card, CARD_ARGUMENTS)
      return found
    })
    await connections.withAmqp(async (amqp) => {
      const channel = await amqp.createChannel()
      for (const exchange of [CARDS, TOPICS])
        await channel.assertExchange(exchange, 'direct', { durable: true, arguments: { 'x-super-stream': true } })
      await channel.bindQueue(card, CARDS, name)
      await channel.bindQueue(streamName(name, 0), TOPICS, name)
    })
    await removeCards(stale)
  }

  function removeCards(cards: readonly string[]): Promise<void> {
    return link.ask('removing a card', async (connection) => {
      for (const card of cards) {
        await deleteStream(connection, card).catch((error: unknown) => {
          if (!isRefusal(error, CODES.StreamDoesNotExist)) throw error
        })
      }
    })
  }

  async function streams(topic: string): Promise<readonly string[]> {
    const found = await link.ask(`looking for topic ${topic}`, (connection) => queryPartitions(connection, topic))
    if (found !== undefined && found.length > 0) return found
    const unknown = topicUnknown(place, topic)
    throw connections.isSettling() ? awayError(unknown) : unknown
  }

  async function layout(topic: string): Promise<Layout> {
    const found = await streams(topic)
    return link.ask(`reading the card of ${topic}`, async (connection) => {
      const [cards, bound] = await Promise.all([
        queryRoute(connection, topic, CARDS),
        queryRoute(connection, topic, TOPICS),
      ])
      // A super stream that another tool deleted and made again has left its card, but not this binding.
      const card = bound.length > 0 ? cards.toSorted()[0] : undefined
      return { streams: found, ...parseCard(card) }
    })
  }

  async function widen(topic: string, partitions: number): Promise<void> {
    checkPartitions(topic, partitions)
    const found = await layout(topic)
    const had = found.streams.length
    if (partitions < had) {
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `topic ${JSON.stringify(topic)} has ${had} partitions; it can be widened to more, not to ${partitions}`,
        { details: { topic } },
      )
    }
    await connections.withAmqp(async (amqp) => {
      const channel = await amqp.createChannel()
      for (let partition = had; partition < partitions; partition++) {
        const stream = streamName(topic, partition)
        await channel.assertQueue(stream, queueOptions(found))
        await channel.bindQueue(stream, topic, String(partition), { 'x-stream-partition-order': partition })
      }
    })
  }

  async function remove(topic: string): Promise<void> {
    await streams(topic)
    const cards = await link.ask(`deleting topic ${topic}`, async (connection) => {
      const found = await queryRoute(connection, topic, CARDS)
      await deleteSuperStream(connection, topic).catch((error: unknown) => {
        if (!isRefusal(error, CODES.StreamDoesNotExist)) throw error
      })
      return found
    })
    await removeCards(cards)
  }

  return {
    create,
    widen: (topic, partitions) => alone(topic, () => widen(topic, partitions)),
    delete: (topic) => alone(topic, () => remove(topic)),
    streams,
    layout,
    async list() {
      const found = await link.ask('listing topics', (connection) => queryPartitions(connection, TOPICS))
      return (found ?? []).map((stream) => stream.replace(/-0$/, '')).toSorted()
    },
  }
}

/** ERR_CONFIG, ERR_UNSUPPORTED for what no RabbitMQ can have. */
export function checkSpec(place: string, { name, partitions, compact }: TopicSpec): void {
  checkPartitions(name, partitions)
  if (!compact) return
  throw unsupported(place, 'has no compacted streams', `declare topic ${JSON.stringify(name)} without compact: true`)
}

function checkPartitions(topic: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS) return
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `topic ${JSON.stringify(topic)}: ${partitions} partitions; give a whole number from 1 to ${MAX_PARTITIONS}`,
  )
}

export function streamName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

function streamsOf(topic: string, partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => streamName(topic, partition))
}

function keysOf(partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => String(partition))
}

function parseCard(card: string | undefined): Card {
  const [, incarnation, ms, bytes] = card?.split('~') ?? []
  const bound = (text: string | undefined) => (text === undefined || text === NO_BOUND ? null : Number(text))
  return { incarnation: incarnation ?? FOREIGN, retentionMs: bound(ms), retentionBytes: bound(bytes) }
}
