import type { Connections } from './connections.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'

/** The connections that carry the subscriptions of one member or one reader. They are lost together. */
export type Lines = readonly [StreamConnection, ...StreamConnection[]]

/**
 * Connections that one member or reader has at most. When a subscription comes to the end of its stream, RabbitMQ lets the
 * whole connection rest for one to two milliseconds (rabbit_stream_reader, until pull request 14766 of October 2025), so
 * subscriptions that share a connection wait for each other.
 */
const MAX_LINES = 8

/** Opens as many as so many partitions are worth; all or none. Errors as of `openStreams`. */
export async function openLines(connections: Connections, name: string, partitions: number): Promise<Lines> {
  const count = Math.max(1, Math.min(MAX_LINES, partitions))
  const opening = await Promise.allSettled(Array.from({ length: count }, () => connections.openStreams(name)))
  const [head, ...rest] = opening.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const refused = opening.find((each) => each.status === 'rejected')
  if (head !== undefined && refused === undefined) return [head, ...rest]
  if (head !== undefined) await closeLines([head, ...rest])
  throw refused?.reason
}

/** The line of one of so many partitions. Neighbours share one, because the broker gives neighbours to different members. */
export function lineOf(lines: Lines, partition: number, partitions: number): StreamConnection {
  return lines[Math.floor((partition * lines.length) / partitions)] ?? lines[0]
}

export async function closeLines(lines: Lines): Promise<void> {
  await Promise.all(lines.map((line) => line.close()))
}

/** Ends all at once. */
export function endLines(lines: Lines, why: Error): void {
  for (const line of lines) line.destroy(why)
}
