import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { Credit } from './inflow.ts'
import { lineOf, type Lines } from './lines.ts'
import { freeId } from './looks.ts'
import { MEMBER_PROPERTY } from './management.ts'
import type { OffsetSpec } from './protocol/commands.ts'
import { subscribe, unsubscribe } from './protocol/requests.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'

/** A member's subscription to one partition, active or not. */
export interface Place {
  readonly partition: number
  readonly stream: string
  /** Carries the subscription; positions are committed on it and on no other. */
  readonly line: StreamConnection
  readonly subscription: number
  readonly credit: Credit
}

export interface PlacesParts {
  readonly lines: Lines
  readonly group: string
  readonly topic: string
  readonly memberId: string
  readonly log: Log
  /** Aborts when the member goes. */
  readonly signal: AbortSignal
  /** False where nobody takes the chunk. */
  onChunk(partition: number, frame: Buffer): boolean
  /** RabbitMQ asks the member to read the partition, and where from. */
  onActive(place: Place): Promise<OffsetSpec>
  /** RabbitMQ asks it to stop; it hands the partition over when this has resolved. */
  onPassive(place: Place): Promise<OffsetSpec>
}

/** All subscriptions of a member. What the broker asks of one partition is done in turn. */
export interface Places {
  /** Streams by partition. */
  readonly streams: readonly string[]
  /**
   * Subscribes to the streams that are new, all at once; `registered` settles when RabbitMQ's coordinator knows of them, which may take
   * long. A member that does not take part in all partitions is none: it loses a line.
   */
  extend(streams: readonly string[]): Promise<{ readonly registered: Promise<unknown> }>
  has(place: Place): boolean
  all(): readonly Place[]
  /** Leaves a partition that RabbitMQ gives to nobody, as all members do at about this time, and comes to it again. */
  comeAgain(partition: number): Promise<void>
  /** Waits for the answers to what the broker has asked, so that none is left out, and unsubscribes as far as that is answered. */
  leave(): Promise<void>
}

/** Longer than it takes all members to find out that nobody holds it: when all have left, RabbitMQ forgets who was there. */
const AWAY_MS = 30_000
/** Who goes need not wait as long as who stays: without its connection the broker gives its partitions to others. */
const LEAVE_MS = 10_000

export function createPlaces(parts: PlacesParts): Places {
  const { lines, group, topic, memberId, log, signal } = parts
  const streams: string[] = []
  const places = new Map<number, Place>()
  const turns = new Map<number, Promise<unknown>>()

  return {
    streams,
    extend,
    has: (place) => places.get(place.partition) === place,
    all: () => [...places.values()],
    comeAgain,
    leave,
  }

  async function extend(wanted: readonly string[]): Promise<{ readonly registered: Promise<unknown> }> {
    const entering = wanted.slice(streams.length).map(async (stream) => {
      const partition = streams.push(stream) - 1
      const line = lineOf(lines, partition, wanted.length)
      return enter(partition, line).catch((error: unknown) => {
        line.destroy(error as Error)
        throw error
      })
    })
    const entered = await Promise.all(entering)
    return { registered: Promise.allSettled(entered.map(({ registered }) => registered)) }
  }

  async function enter(partition: number, line: StreamConnection): ReturnType<typeof subscribe> {
    const stream = streams[partition] as string
    const place: Place = { partition, stream, line, subscription: freeId(line), credit: { outstanding: 1 } }
    line.subscriptions.set(place.subscription, {
      onChunk(frame) {
        if (!parts.onChunk(partition, frame)) place.credit.outstanding--
      },
      onConsumerUpdate: (active) => inTurn(partition, () => (active ? parts.onActive(place) : parts.onPassive(place))),
      onRefused: () => undefined,
    })
    places.set(partition, place)
    return subscribe(line, {
      id: place.subscription,
      stream,
      offset: 'next',
      credit: 1,
      properties: {
        'single-active-consumer': 'true',
        name: group,
        'super-stream': topic,
        [MEMBER_PROPERTY]: memberId,
      },
    })
  }

  function inTurn<T>(partition: number, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(partition) ?? Promise.resolve()).then(work, work)
    turns.set(partition, turn)
    return turn
  }

  async function comeAgain(partition: number): Promise<void> {
    const place = places.get(partition)
    if (place === undefined) return
    const { line, subscription } = place
    log.warn({ group, topic, partition }, 'RabbitMQ gives the partition to no member; leaving it until all have')
    places.delete(partition)
    try {
      // RabbitMQ knows its own questions by the subscription: all are answered before another one can have the same number.
      await turns.get(partition)?.catch(() => undefined)
      await unsubscribe(line, subscription)
      line.subscriptions.delete(subscription)
      await sleep(AWAY_MS, undefined, { ref: false, signal })
      await enter(partition, line)
    } catch (error) {
      if (!signal.aborted) line.destroy(error as Error)
    }
  }

  async function leave(): Promise<void> {
    await Promise.all([...turns.values()].map((turn) => turn.catch(() => undefined)))
    const going = lines.flatMap((line) =>
      line.failure === undefined ? [...line.subscriptions.keys()].map((id) => unsubscribe(line, id, LEAVE_MS)) : [],
    )
    await Promise.allSettled(going)
  }
}
