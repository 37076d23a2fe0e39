import { createReader, createWriter } from './bytes.ts'

/**
 * Kafka's name for sharing in which a member keeps what it may keep while others come and go (KIP-429). Others who
 * speak it, Java's CooperativeStickyAssignor for one, can be in one group with us.
 */
export const PROTOCOL = 'cooperative-sticky'

export interface MemberView {
  readonly id: string
  readonly topics: readonly string[]
  /** By topic. */
  readonly owned: ReadonlyMap<string, readonly number[]>
  /** In which it owned them; -1 where it does not tell. */
  readonly generation: number
}

export type Shares = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

/** ConsumerProtocolSubscription, version 1. The generation is in the user data, as Java's assignor has it. */
export function encodeSubscription(topic: string | null, owned: readonly number[], generation: number): Buffer {
  const writer = createWriter()
  writer.int16(1)
  const topics = topic === null ? [] : [topic]
  writer.array(topics, writer.string)
  const user = createWriter()
  user.int32(generation)
  writer.bytes(user.done())
  writer.array(owned.length === 0 ? [] : topics, (name) => {
    writer.string(name)
    writer.array(owned, writer.int32)
  })
  return writer.done()
}

export function decodeSubscription(id: string, bytes: Buffer): MemberView {
  try {
    return readSubscription(id, bytes)
  } catch {
    // Another client's bytes: who cannot say what it wants gets nothing, and the others go on.
    return { id, topics: [], owned: new Map(), generation: -1 }
  }
}

function readSubscription(id: string, bytes: Buffer): MemberView {
  const reader = createReader(bytes)
  const version = reader.int16()
  const topics = reader.array(reader.string)
  const user = reader.bytes()
  const owned = version < 1 ? [] : reader.array(() => [reader.string(), reader.array(reader.int32)] as const)
  const generation = user !== null && user.length >= 4 ? user.readInt32BE(0) : -1
  return { id, topics, owned: new Map(owned), generation }
}

export function encodeAssignment(share: ReadonlyMap<string, readonly number[]>): Buffer {
  const writer = createWriter()
  writer.int16(0)
  writer.array([...share], ([topic, partitions]) => {
    writer.string(topic)
    writer.array(partitions, writer.int32)
  })
  writer.bytes(null)
  return writer.done()
}

export function decodeAssignment(bytes: Buffer, topic: string): readonly number[] {
  if (bytes.length < 2) return []
  const reader = createReader(bytes)
  reader.int16()
  const share = reader.array(() => [reader.string(), reader.array(reader.int32)] as const)
  return share.filter(([name]) => name === topic).flatMap(([, partitions]) => partitions)
}

/**
 * Shares each topic's partitions among the members that want it, as evenly as can be; everybody keeps what it owns up to
 * its share, the remainder goes to those who own most. A partition that is to move is given to nobody yet: its owner
 * sees it missing, lets go and joins anew, and only then is it given on. Pure.
 */
export function sharePartitions(members: readonly MemberView[], partitions: ReadonlyMap<string, number>): Shares {
  const shares = new Map(members.map(({ id }) => [id, new Map<string, readonly number[]>()]))
  for (const [topic, count] of partitions) {
    const takers = members.filter(({ topics }) => topics.includes(topic))
    const owners = ownersOf(takers, topic, count)
    for (const [id, given] of shareTopic(takers, owners, count)) {
      const ours = given.filter((partition) => (owners.get(partition) ?? id) === id)
      shares.get(id)?.set(
        topic,
        ours.sort((a, b) => a - b),
      )
    }
  }
  return shares
}

function shareTopic(
  takers: readonly MemberView[],
  owners: ReadonlyMap<number, string>,
  count: number,
): ReadonlyMap<string, number[]> {
  const given = new Map(takers.map(({ id }) => [id, [] as number[]]))
  for (const [partition, id] of owners) given.get(id)?.push(partition)
  const inOrder = [...given].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
  const free = Array.from({ length: count }, (_, partition) => partition).filter((partition) => !owners.has(partition))
  const base = Math.floor(count / Math.max(1, takers.length))
  const extra = count % Math.max(1, takers.length)
  const quota = (index: number) => base + (index < extra ? 1 : 0)
  for (const [index, [, held]] of inOrder.entries()) free.push(...held.sort((a, b) => a - b).splice(quota(index)))
  for (const [index, [, held]] of inOrder.entries()) held.push(...free.splice(0, quota(index) - held.length))
  return given
}

/** Of two that claim the same, the one of the later generation owns it; of one generation, neither. */
function ownersOf(takers: readonly MemberView[], topic: string, count: number): ReadonlyMap<number, string> {
  const claims = new Map<number, { id: string | undefined; generation: number }>()
  for (const { id, owned, generation } of takers) {
    for (const partition of owned.get(topic) ?? []) {
      const other = claims.get(partition)
      if (partition >= count || (other !== undefined && other.generation > generation)) continue
      claims.set(partition, { id: other?.generation === generation ? undefined : id, generation })
    }
  }
  const owners = new Map<number, string>()
  for (const [partition, { id }] of claims) {
    if (id !== undefined) owners.set(partition, id)
  }
  return owners
}
