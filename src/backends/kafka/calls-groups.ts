// Requests about groups: versions before flexible encoding, served by Kafka 2.8 to 4.x.
import { type ByteWriter, createWriter } from './bytes.ts'
import type { Call } from './call.ts'

export interface Coordinator {
  readonly error: number
  readonly node: number
}

export function findCoordinator(group: string): Call<Coordinator> {
  const writer = createWriter()
  writer.string(group)
  writer.int8(0)
  return {
    key: 10,
    version: 2,
    name: 'FindCoordinator',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const error = reader.int16()
      reader.nullableString()
      return { error, node: reader.int32() }
    },
  }
}

export interface Joined {
  readonly error: number
  readonly generation: number
  readonly protocol: string | null
  readonly leader: string
  readonly member: string
  /** Filled for the leader only. */
  readonly members: readonly { readonly id: string; readonly metadata: Buffer }[]
}

export function joinGroup(options: {
  group: string
  member: string
  instance: string | null
  sessionMs: number
  rebalanceMs: number
  protocol: string
  metadata: Buffer
}): Call<Joined> {
  const writer = createWriter()
  writer.string(options.group)
  writer.int32(options.sessionMs)
  writer.int32(options.rebalanceMs)
  writer.string(options.member)
  writer.string(options.instance)
  writer.string('consumer')
  writer.array([options], ({ protocol, metadata }) => {
    writer.string(protocol)
    writer.bytes(metadata)
  })
  return {
    key: 11,
    version: 5,
    name: 'JoinGroup',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const error = reader.int16()
      const generation = reader.int32()
      const protocol = reader.nullableString()
      const leader = reader.string()
      const member = reader.string()
      const members = reader.array(() => {
        const id = reader.string()
        reader.nullableString()
        return { id, metadata: reader.bytes() ?? Buffer.alloc(0) }
      })
      return { error, generation, protocol, leader, member, members }
    },
  }
}

export interface Membership {
  readonly group: string
  readonly member: string
  /** Of a static member (KIP-345). */
  readonly instance: string | null
  readonly generation: number
}

function writeMembership(writer: ByteWriter, { group, generation, member, instance }: Membership): void {
  writer.string(group)
  writer.int32(generation)
  writer.string(member)
  writer.string(instance)
}

export function syncGroup(
  membership: Membership,
  assignments: readonly (readonly [member: string, assignment: Buffer])[],
): Call<{ readonly error: number; readonly assignment: Buffer }> {
  const writer = createWriter()
  writeMembership(writer, membership)
  writer.array(assignments, ([member, assignment]) => {
    writer.string(member)
    writer.bytes(assignment)
  })
  return {
    key: 14,
    version: 3,
    name: 'SyncGroup',
    body: writer.done(),
    read(reader) {
      reader.int32()
      return { error: reader.int16(), assignment: reader.bytes() ?? Buffer.alloc(0) }
    },
  }
}

export function heartbeat(membership: Membership): Call<number> {
  const writer = createWriter()
  writeMembership(writer, membership)
  return { key: 12, version: 3, name: 'Heartbeat', body: writer.done(), read: readError }
}

export function leaveGroup({ group, member }: Pick<Membership, 'group' | 'member'>): Call<number> {
  const writer = createWriter()
  writer.string(group)
  writer.array([member], (id) => {
    writer.string(id)
    writer.string(null)
  })
  return { key: 13, version: 3, name: 'LeaveGroup', body: writer.done(), read: readError }
}

const readError: Call<number>['read'] = (reader) => {
  reader.int32()
  return reader.int16()
}

/** Error by partition. */
export function commitOffsets(
  membership: Membership,
  topic: string,
  positions: readonly (readonly [partition: number, next: number])[],
): Call<ReadonlyMap<number, number>> {
  const writer = createWriter()
  writeMembership(writer, membership)
  writer.array([topic], (name) => {
    writer.string(name)
    writer.array(positions, ([partition, next]) => {
      writer.int32(partition)
      writer.int64(next)
      writer.int32(-1)
      writer.string('')
    })
  })
  return { key: 8, version: 7, name: 'OffsetCommit', body: writer.done(), read: readErrors }
}

const readErrors: Call<ReadonlyMap<number, number>>['read'] = (reader) => {
  reader.int32()
  const errors = reader.array(() => {
    reader.string()
    return reader.array(() => [reader.int32(), reader.int16()] as const)
  })
  return new Map(errors.flat())
}

export interface FetchedOffsets {
  readonly error: number
  /** Only partitions that have a position. */
  readonly topics: ReadonlyMap<string, ReadonlyMap<number, number>>
}

/** The group's positions on the topic's partitions, or on all topics. */
export function fetchOffsets(
  group: string,
  topic: { readonly name: string; readonly partitions: number } | null,
): Call<FetchedOffsets> {
  const writer = createWriter()
  writer.string(group)
  writer.array(topic === null ? null : [topic], ({ name, partitions }) => {
    writer.string(name)
    writer.array([...Array(partitions).keys()], writer.int32)
  })
  return {
    key: 9,
    version: 5,
    name: 'OffsetFetch',
    body: writer.done(),
    read(reader) {
      reader.int32()
      let failed = 0
      const topics = reader.array(() => {
        const name = reader.string()
        const found = reader.array(() => {
          const partition = reader.int32()
          const next = reader.int64()
          reader.int32()
          reader.nullableString()
          failed ||= reader.int16()
          return [partition, next] as const
        })
        return [name, new Map(found.filter(([, next]) => next >= 0))] as const
      })
      const error = reader.int16()
      return { error: error || failed, topics: new Map(topics) }
    },
  }
}

/** KIP-496. Errors: of the request, and by partition. */
export function deleteOffsets(
  group: string,
  topic: string,
  partitions: number,
): Call<{ readonly error: number; readonly partitions: ReadonlyMap<number, number> }> {
  const writer = createWriter()
  writer.string(group)
  writer.array([topic], (name) => {
    writer.string(name)
    writer.array([...Array(partitions).keys()], writer.int32)
  })
  return {
    key: 47,
    version: 0,
    name: 'OffsetDelete',
    body: writer.done(),
    read(reader) {
      const error = reader.int16()
      return { error, partitions: readErrors(reader) }
    },
  }
}

export interface DescribedGroup {
  readonly error: number
  readonly state: string
  readonly protocolType: string
  readonly members: readonly { readonly id: string; readonly metadata: Buffer; readonly assignment: Buffer }[]
}

export function describeGroups(groups: readonly string[]): Call<readonly (DescribedGroup & { group: string })[]> {
  const writer = createWriter()
  writer.array(groups, writer.string)
  writer.boolean(false)
  return {
    key: 15,
    version: 4,
    name: 'DescribeGroups',
    body: writer.done(),
    read(reader) {
      reader.int32()
      return reader.array(() => {
        const error = reader.int16()
        const group = reader.string()
        const state = reader.string()
        const protocolType = reader.string()
        reader.string()
        const members = reader.array(() => {
          const id = reader.string()
          for (let skipped = 0; skipped < 3; skipped++) reader.nullableString()
          const metadata = reader.bytes() ?? Buffer.alloc(0)
          return { id, metadata, assignment: reader.bytes() ?? Buffer.alloc(0) }
        })
        reader.int32()
        return { error, group, state, protocolType, members }
      })
    },
  }
}

export function listGroups(): Call<{ readonly error: number; readonly groups: readonly string[] }> {
  return {
    key: 16,
    version: 2,
    name: 'ListGroups',
    body: Buffer.alloc(0),
    read(reader) {
      reader.int32()
      const error = reader.int16()
      const groups = reader.array(() => ({ group: reader.string(), type: reader.string() }))
      return {
        error,
        groups: groups.filter(({ type }) => type === 'consumer' || type === '').map(({ group }) => group),
      }
    },
  }
}
