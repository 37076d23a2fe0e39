import { DrawbridgeError } from '../core/errors.ts'
import { LETTER_ROOM_BYTES, MAX_RECORD_BYTES, type NewRecord, recordBytes } from '../core/record.ts'

// What every driver refuses in the same words, whatever its broker.

/** What a driver takes in one record: a user's largest, and room for a letter's cause. */
export const MAX_BYTES = MAX_RECORD_BYTES + LETTER_ROOM_BYTES

export function partitionUnknown(topic: string, partition: number, partitions: number): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONFIG',
    `topic ${JSON.stringify(topic)} has no partition ${partition}: choose one from 0 to ${partitions - 1}`,
    { details: { topic, partition, outcome: 'not-written' } },
  )
}

export function groupUnknown(group: string, topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_GROUP_UNKNOWN',
    `group ${JSON.stringify(group)} has never read topic ${JSON.stringify(topic)}: look for its name with "drawbridge groups list"`,
    { details: { group, topic } },
  )
}

export function checkSize(
  topic: string,
  partition: number,
  index: number,
  record: NewRecord,
  maxBytes: number = MAX_BYTES,
): void {
  const bytes = recordBytes(record)
  if (bytes <= maxBytes) return
  throw new DrawbridgeError(
    'ERR_RECORD_TOO_LARGE',
    `record ${index} of an append to topic ${JSON.stringify(topic)} has ${bytes} bytes, at most ${maxBytes} are possible: store the content elsewhere and send its address`,
    { details: { topic, partition, index, bytes, outcome: 'not-written' } },
  )
}
