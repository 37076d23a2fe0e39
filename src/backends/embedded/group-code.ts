import type { GroupDoc, Lease, MemberDoc } from './leases.ts'

/*
 * A group's document at rest. Every member's every renewal writes it, so it is short: owners are numbers of members, and
 * names of fields are left out. A group of 64 partitions takes 0.6 KB (as JSON of the document itself 4.6 KB, which
 * stands outside LMDB's leaf pages).
 */
type Coded = readonly [
  incarnation: string,
  known: number,
  generation: number,
  members: readonly (readonly [id: string, seen: number, pid: number, started: string])[],
  /** Number of the owner in `members`, -1 for none, and epoch. */
  leases: readonly (readonly [owner: number, epoch: number])[],
]

export function encodeGroup(doc: GroupDoc): Buffer {
  const members = Object.entries(doc.members).map(([id, { seen, pid, started }]) => [id, seen, pid, started] as const)
  const numbers = new Map(members.map(([id], number) => [id, number]))
  const leases = doc.leases.map(({ owner, epoch }) => [numbers.get(owner ?? '') ?? -1, epoch] as const)
  const coded: Coded = [doc.incarnation, doc.known, doc.generation, members, leases]
  return Buffer.from(JSON.stringify(coded))
}

export function decodeGroup(bytes: Uint8Array): GroupDoc {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  const [incarnation, known, generation, coded, leases] = JSON.parse(text) as Coded
  const members: Record<string, MemberDoc> = {}
  for (const [id, seen, pid, started] of coded) members[id] = { seen, pid, started }
  const lease = ([owner, epoch]: readonly [number, number]): Lease => ({ owner: coded[owner]?.[0] ?? null, epoch })
  return { incarnation, known, generation, members, leases: leases.map(lease) }
}
