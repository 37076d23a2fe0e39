import { groupUnknown } from '../refusals.ts'
import type { GroupDescription } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Connections } from './connections.ts'
import { brokerError, groupActive } from './errors.ts'
import type { Link } from './link.ts'
import type { Looks } from './looks.ts'
import type { Management, StreamConsumer } from './management.ts'
import {
  begin,
  forget,
  groupOf,
  isForgottenWitness,
  isKnown,
  isOwnReference,
  ownerMark,
  readOwner,
  readPosition,
  witnessOf,
} from './positions.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { takeTenure, type Tenure } from './tenure.ts'
import type { Topology } from './topology.ts'

export interface GroupsParts {
  readonly connections: Connections
  readonly link: Link
  readonly looks: Looks
  readonly topology: Topology
  readonly management: Management
}

export interface Groups {
  list(): Promise<readonly { readonly group: string; readonly topic: string }[]>
  describe(group: string, topic: string): Promise<GroupDescription>
  reset(group: string, topic: string, positions: readonly number[]): Promise<void>
  delete(group: string, topic: string): Promise<void>
  /** ERR_GROUP_ACTIVE while any group has live members on the topic. */
  checkIdle(topic: string): Promise<void>
}

export function createGroups(parts: GroupsParts): Groups {
  const { connections, link, looks, topology, management } = parts

  async function list() {
    const found = new Map<string, { group: string; topic: string }>()
    for (const topic of await topology.list()) {
      const streams = await topology.streams(topic).catch(() => [])
      for (const tracked of await Promise.all(streams.map((stream) => management.tracking(stream)))) {
        for (const group of Object.keys(tracked)) {
          if (isOwnReference(group) || isForgottenWitness(tracked[witnessOf(group)] ?? 0)) continue
          found.set(JSON.stringify([group, topic]), { group, topic })
        }
      }
    }
    return [...found.values()]
  }

  async function describe(group: string, topic: string): Promise<GroupDescription> {
    const streams = await topology.streams(topic)
    const consumers = await management.consumers()
    const known = await link.ask(`reading the positions of group ${group}`, (connection) =>
      Promise.all(streams.map((stream) => placeOf(connection, group, stream))),
    )
    const members = membersOf(
      consumers.filter(({ reference }) => reference === group),
      streams,
      known.map(({ owner }) => owner),
    )
    if (members.length === 0 && !known.some(({ isKnown }) => isKnown)) throw groupUnknown(group, topic)
    return { group, topic, members, positions: known.map(({ next, end, lag }) => ({ next, end, lag })) }
  }

  async function placeOf(connection: StreamConnection, group: string, stream: string) {
    const [position, owner, { first, end }] = await Promise.all([
      readPosition(connection, group, stream),
      readOwner(connection, group, stream),
      looks.extent(connection, stream),
    ])
    const next = position.next ?? position.initial
    const from = Math.max(next ?? first, first)
    // The group's own stored positions take offsets, too: counted is from the next record that is there.
    const lag = from >= end ? 0 : Math.max(0, end - (await looks.nextRecord(connection, stream, from)))
    return { next, end, lag, owner, isKnown: isKnown(position) }
  }

  /**
   * Works as the group's only member. The first partition's active member is always the one that came first, whoever
   * joins later, so a live group is noticed there and not disturbed; after it the rest can be taken in turn.
   */
  async function asOnlyMember(
    group: string,
    topic: string,
    streams: readonly string[],
    work: (connection: StreamConnection) => Promise<void>,
  ): Promise<void> {
    const connection = await connections.openStreams(`drawbridge group ${group}`)
    const tenures: Tenure[] = []
    try {
      for (const stream of streams) {
        const tenure = await takeTenure(connection, stream, group, { superStream: topic })
        if (tenure === undefined) throw groupActive(`group ${JSON.stringify(group)}`, topic)
        tenures.push(tenure)
      }
      await work(connection)
      for (const tenure of tenures) await tenure.release()
    } catch (error) {
      throw brokerError(connections.target.place, `moving group ${group}`, error, 'unknown')
    } finally {
      await connection.close()
    }
  }

  async function reset(group: string, topic: string, positions: readonly number[]): Promise<void> {
    const streams = await topology.streams(topic)
    await checkPositions(group, topic, streams, positions)
    await asOnlyMember(group, topic, streams, async (connection) => {
      for (const [partition, stream] of streams.entries()) {
        if (!(await begin(connection, group, stream, positions[partition] ?? 0)))
          throw groupActive(`group ${JSON.stringify(group)}`, topic)
      }
      await Promise.all(streams.map((stream) => looks.settled(connection, stream)))
    })
  }

  async function checkPositions(
    group: string,
    topic: string,
    streams: readonly string[],
    positions: readonly number[],
  ): Promise<void> {
    if (positions.length !== streams.length) {
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `topic ${topic} has ${streams.length} partitions, but ${positions.length} positions were given: give one for each`,
        { details: { group, topic } },
      )
    }
    const extents = await link.ask(`resetting group ${group}`, (connection) =>
      Promise.all(streams.map((stream) => looks.extent(connection, stream))),
    )
    for (const [partition, { end }] of extents.entries()) {
      const position = positions[partition] ?? -1
      if (Number.isSafeInteger(position) && position >= 0 && position <= end) continue
      throw new DrawbridgeError(
        'ERR_CONFIG',
        `position ${position} of partition ${partition}: topic ${topic} ends at ${end} there; choose a whole number from 0 to that`,
        { details: { group, topic, partition, position } },
      )
    }
  }

  async function remove(group: string, topic: string): Promise<void> {
    const streams = await topology.streams(topic)
    const known = await link.ask(`reading the positions of group ${group}`, (connection) =>
      Promise.all(streams.map((stream) => readPosition(connection, group, stream))),
    )
    await asOnlyMember(group, topic, streams, async (connection) => {
      if (!known.some(isKnown)) throw groupUnknown(group, topic)
      for (const stream of streams) await forget(connection, group, stream)
      await Promise.all(streams.map((stream) => looks.settled(connection, stream)))
    })
  }

  return {
    list,
    describe,
    reset,
    delete: remove,
    async checkIdle(topic) {
      const streams = await topology.streams(topic)
      const live = (await management.consumers()).find(
        ({ stream, reference }) => reference !== '' && streams.includes(stream),
      )
      if (live !== undefined) throw groupActive(`group ${JSON.stringify(groupOf(live.reference))}`, topic)
    },
  }
}

/**
 * Who is there management tells; where each is active its own mark does, or management for another client's, which leaves
 * our mark as it was.
 */
function membersOf(
  consumers: readonly StreamConsumer[],
  streams: readonly string[],
  owners: readonly (bigint | undefined)[],
): GroupDescription['members'] {
  const members = new Map<string, number[]>()
  const foreign = new Set(consumers.flatMap(({ stream, isOurs, active }) => (active && !isOurs ? stream : [])))
  for (const { stream, member, isOurs, active } of consumers) {
    const partition = streams.indexOf(stream)
    if (partition < 0) continue
    const held = members.get(member) ?? []
    const isHeld = isOurs ? owners[partition] === ownerMark(member) && !foreign.has(stream) : active
    if (isHeld) held.push(partition)
    members.set(member, held)
  }
  return [...members].map(([id, partitions]) => ({ id, partitions: partitions.sort((a, b) => a - b) }))
}
