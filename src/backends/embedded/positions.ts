import { DrawbridgeError } from '../../core/errors.ts'
import { EMPTY_PARTITION, getPartition, type PartitionState, type StoreReads, type TopicDoc } from './documents.ts'
import type { JoinRequest, ResetRequest } from './requests.ts'

/** Of every partition, in order. */
export function partitionStates(store: StoreReads, topic: TopicDoc): PartitionState[] {
  return Array.from({ length: topic.partitions }, (_, p) => getPartition(store, topic.id, p) ?? EMPTY_PARTITION)
}

/** ERR_CONFIG unless the group can go on from there. */
export function checkPosition(
  request: JoinRequest | ResetRequest,
  partition: number,
  next: number | undefined,
  first: number,
  end: number,
): void {
  if (next !== undefined && Number.isSafeInteger(next) && next >= first && next <= end) return
  throw refusedPosition(request, `${next} in partition ${partition}; choose an offset from ${first} to ${end}`)
}

export function refusedPosition(request: JoinRequest | ResetRequest, what: string): DrawbridgeError {
  const { group, topic } = request
  return new DrawbridgeError(
    'ERR_CONFIG',
    `group ${JSON.stringify(group)} on topic ${JSON.stringify(topic)} cannot be positioned at ${what}`,
    { details: { group, topic } },
  )
}
