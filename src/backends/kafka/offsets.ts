import { EARLIEST, LATEST, type ListedOffset, listOffsets } from './calls-log.ts'
import type { Cluster } from './cluster.ts'
import { KAFKA, leaderError } from './errors.ts'

export { EARLIEST, LATEST }

/** By partition number; a time's offset, EARLIEST or LATEST. -1 where no record is as young as the time. */
export async function askOffsets(cluster: Cluster, topic: string, timestamp: number): Promise<readonly number[]> {
  const { leaders } = await cluster.topic(topic)
  const partitions = [...leaders.keys()]
  const byLeader = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = await cluster.leaderOf(topic, partition)
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
  }
  const found = await Promise.all(
    Array.from(byLeader, ([node, parts]) =>
      cluster.toNode(node, 'main', listOffsets(topic, parts, timestamp)).catch((error: unknown) => {
        cluster.forgetTopic(topic)
        throw error
      }),
    ),
  )
  const byPartition = new Map(found.flat().map((listed) => [listed.partition, listed]))
  return partitions.map((partition) => checked(cluster, topic, partition, byPartition.get(partition)))
}

function checked(cluster: Cluster, topic: string, partition: number, listed: ListedOffset | undefined): number {
  if (listed?.error === KAFKA.NONE) return listed.offset
  cluster.forgetTopic(topic)
  throw leaderError(
    listed?.error ?? KAFKA.LEADER_NOT_AVAILABLE,
    `topic ${JSON.stringify(topic)}, partition ${partition}`,
  )
}

/** Of every partition: the first offset that can be read and the one after the last committed record. */
export async function askRanges(cluster: Cluster, topic: string): Promise<readonly { first: number; end: number }[]> {
  const [firsts, ends] = [await askOffsets(cluster, topic, EARLIEST), await askOffsets(cluster, topic, LATEST)]
  // Widened between the two answers: what only the second knows begins at its beginning.
  return ends.map((end, partition) => ({ first: Math.min(firsts[partition] ?? 0, end), end }))
}

/** By time; where nothing is as young, the end. */
export async function askOffsetsAt(cluster: Cluster, topic: string, timestamp: number): Promise<readonly number[]> {
  const [found, ends] = await Promise.all([
    askOffsets(cluster, topic, Math.max(0, timestamp)),
    askOffsets(cluster, topic, LATEST),
  ])
  return ends.map((end, partition) => {
    const offset = found[partition] ?? -1
    return offset < 0 ? end : offset
  })
}
