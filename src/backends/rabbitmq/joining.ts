import type { StartPosition } from '../../core/backend.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import type { Looks } from './looks.ts'
import { begin, isKnown, readPosition } from './positions.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'
import { takeTenure } from './tenure.ts'

export interface Joining {
  readonly connection: StreamConnection
  readonly looks: Looks
  readonly group: string
  readonly topic: string
  readonly streams: readonly string[]
  readonly from: StartPosition
}

/**
 * Sees to it that the group has a position on every stream: a new group at `from`, a known one at the beginning of
 * streams that are new to it. Done before anybody subscribes, under a lock: two members that resolved `latest` at
 * different times could else move a position that a third has already worked from. ERR_CONFIG for an offset beyond the end.
 */
export async function settlePositions(joining: Joining): Promise<void> {
  const { connection, group, streams } = joining
  const [first] = streams
  if (first === undefined || (await unsettled(joining)).missing.length === 0) return
  const lock = await takeTenure(connection, first, `${group}#join`)
  if (lock === undefined) throw new Error(`another member of group ${group} has been joining for a minute`)
  try {
    const { missing, known } = await unsettled(joining)
    const starts = await resolveStarts(joining, known ? 'earliest' : joining.from)
    for (const index of missing) {
      const stream = streams[index] as string
      const { next } = await readPosition(connection, group, stream)
      // A position without a witness was stored by another client, or by a member that died in between: it stands.
      const start = next ?? starts[index] ?? 0
      if (!(await begin(connection, group, stream, start))) throw new Error(`somebody else moves group ${group}`)
    }
    // Where a group began is resolved once: a leader that knew nothing of it would let it begin elsewhere.
    await Promise.all(missing.map((index) => joining.looks.settled(connection, streams[index] as string)))
  } finally {
    await lock.release()
  }
}

async function unsettled({ connection, group, streams }: Joining) {
  const positions = await Promise.all(streams.map((stream) => readPosition(connection, group, stream)))
  const missing = positions.flatMap(({ initial }, index) => (initial === null ? [index] : []))
  return { missing, known: positions.some(isKnown) }
}

async function resolveStarts(joining: Joining, from: StartPosition): Promise<readonly number[]> {
  const { connection, looks, topic, streams } = joining
  if (typeof from === 'object' && 'timestamp' in from)
    return Promise.all(streams.map((stream) => looks.offsetAt(connection, stream, from.timestamp)))
  const extents = await Promise.all(streams.map((stream) => looks.extent(connection, stream)))
  return extents.map(({ first, end }, partition) => {
    if (from === 'earliest') return first
    if (from === 'latest') return end
    const offset = from.offsets[partition] ?? first
    if (offset <= end) return offset
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `offset ${offset} of partition ${partition}: topic ${topic} ends at ${end} there; begin at or before it`,
      { details: { topic, partition, offset } },
    )
  })
}
