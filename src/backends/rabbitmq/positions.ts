import type { StreamConnection } from './protocol/stream-connection.ts'
import { queryOffset, storeOffset } from './protocol/requests.ts'

const TOP = 2n ** 64n - 1n
/** What a witness says after its group was deleted: stored offsets cannot be removed, only overwritten. */
const FORGOTTEN = 2n ** 63n

/** What RabbitMQ keeps of a group on one stream. */
export interface Position {
  /** Next offset to handle, by the offset stored under the group's name. */
  readonly next: number | null
  /** The group is known; its first position here. RabbitMQ drops offsets that retention has passed, but never this one. */
  readonly initial: number | null
}

/** RabbitMQ stores the last offset handled; 2^64 - 1 says that there is none, so that one more is 0. */
export function toStored(next: number): bigint {
  return BigInt.asUintN(64, BigInt(next) - 1n)
}

function fromStored(stored: bigint): number {
  return Number(BigInt.asUintN(64, stored + 1n))
}

export function witnessOf(group: string): string {
  return `${group}#`
}

function ownerOf(group: string): string {
  return `${group}#owner`
}

/** A name that is no group's, but kept beside one. */
export function isOwnReference(reference: string): boolean {
  return reference.includes('#')
}

/** The group that is meant by a reference of its own or beside it. */
export function groupOf(reference: string): string {
  return reference.split('#', 1)[0] ?? reference
}

/** A member's mark where it is active: management notices a change of the active member only seconds later. */
export function ownerMark(member: string): bigint {
  return FORGOTTEN | BigInt(`0x${member.replaceAll('-', '').slice(0, 16)}`)
}

export function storeOwner(connection: StreamConnection, group: string, stream: string, mark: bigint): void {
  storeOffset(connection, ownerOf(group), stream, mark)
}

export async function readOwner(
  connection: StreamConnection,
  group: string,
  stream: string,
): Promise<bigint | undefined> {
  return queryOffset(connection, ownerOf(group), stream)
}

export async function readPosition(connection: StreamConnection, group: string, stream: string): Promise<Position> {
  const [stored, witness] = await Promise.all([
    queryOffset(connection, group, stream),
    queryOffset(connection, witnessOf(group), stream),
  ])
  const forgotten = witness === FORGOTTEN
  return {
    next: stored === undefined || forgotten ? null : fromStored(stored),
    initial: witness === undefined || forgotten ? null : Number(TOP - witness),
  }
}

/** True when it is stored: the answer comes from the broker behind the store. False when somebody else stored another. */
export async function store(
  connection: StreamConnection,
  reference: string,
  stream: string,
  value: bigint,
): Promise<boolean> {
  storeOffset(connection, reference, stream, value)
  return (await queryOffset(connection, reference, stream)) === value
}

/** Makes the group known at a position: the witness last, so that whoever sees it sees a position too. */
export async function begin(
  connection: StreamConnection,
  group: string,
  stream: string,
  next: number,
): Promise<boolean> {
  const set = await store(connection, group, stream, toStored(next))
  return set && (await store(connection, witnessOf(group), stream, TOP - BigInt(next)))
}

/** Makes the group forgotten. */
export async function forget(connection: StreamConnection, group: string, stream: string): Promise<boolean> {
  const unknown = await store(connection, witnessOf(group), stream, FORGOTTEN)
  return unknown && (await store(connection, group, stream, TOP))
}

/** Where a member goes on, given the lowest offset retained. `lost` when records were there that are gone. */
export function startAt(
  { next, initial }: Position,
  first: number,
): { readonly position: number; readonly lost?: { readonly position: number | null } } {
  const known = next ?? initial ?? first
  // RabbitMQ dropped the stored offset, which happens below `first` only. Nothing is lost where the group began there.
  const lost = next === null ? initial !== null && initial < first : next < first
  return lost ? { position: first, lost: { position: next } } : { position: Math.max(known, first) }
}

/** True for a known group: by witness, or by the position another client stored. */
export function isKnown({ next, initial }: Position): boolean {
  return next !== null || initial !== null
}

/** As the management API shows stored offsets, which are not exact above 2^53. */
export function isForgottenWitness(offset: number): boolean {
  return offset === Number(FORGOTTEN)
}
