import { type Batch, type Produced, produce } from './calls-log.ts'
import type { Cluster } from './cluster.ts'
import { KAFKA, kafkaError } from './errors.ts'

/** How long the leader may wait for its replicas, and we for the leader. */
const REPLICA_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 15_000
const MAX_REQUEST_BYTES = 8_388_608
const LANE = 'produce'

interface Waiting {
  readonly batch: Batch
  resolve(produced: Produced): void
  reject(error: unknown): void
}

/**
 * Sends batches to the leaders of their partitions. A node works on one request of a connection at a time, so the
 * batches that come while one is under way leave together in the next.
 */
export function createSender(cluster: Cluster): { send(node: number, batch: Batch): Promise<Produced> } {
  const queues = new Map<number, { waiting: Waiting[]; busy: boolean }>()

  return {
    send(node, batch) {
      const queue = queues.get(node) ?? { waiting: [], busy: false }
      queues.set(node, queue)
      return new Promise((resolve, reject) => {
        queue.waiting.push({ batch, resolve, reject })
        if (queue.busy) return
        queue.busy = true
        // A microtask, so that appends of one turn of the caller's code leave together.
        queueMicrotask(() => void drain(node, queue))
      })
    },
  }

  async function drain(node: number, queue: { waiting: Waiting[]; busy: boolean }): Promise<void> {
    while (queue.waiting.length > 0) await sendSome(node, takeSome(queue.waiting))
    queue.busy = false
  }

  async function sendSome(node: number, some: readonly Waiting[]): Promise<void> {
    try {
      const call = produce(
        some.map(({ batch }) => batch),
        REPLICA_TIMEOUT_MS,
      )
      const answer = await cluster.toNode(node, LANE, call, ANSWER_TIMEOUT_MS)
      const byPlace = new Map(answer.map((produced) => [placeOf(produced), produced]))
      for (const { batch, resolve, reject } of some) {
        const produced = byPlace.get(placeOf(batch))
        if (produced === undefined) reject(kafkaError(KAFKA.NONE, `topic ${batch.topic}: no answer`, 'unknown'))
        else resolve(produced)
      }
    } catch (error) {
      for (const { reject } of some) reject(error)
    }
  }
}

/** At least one; one batch of a partition at most, as the protocol asks. */
function takeSome(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const { batch } of waiting) {
    bytes += batch.bytes.length
    if (count > 0 && bytes > MAX_REQUEST_BYTES) break
    count++
  }
  return waiting.splice(0, count)
}

function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}
