/** Ordered, repeatable; names are UTF-8 text, a value is bytes or null. */
export type Headers = readonly (readonly [name: string, value: Buffer | null])[]

/** A record on its way in. `timestamp` is the producer's time in milliseconds since the epoch. */
export interface NewRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Headers
  readonly timestamp: number
}

/** A record at rest. Its buffers belong to the holder: they are never reused, and keep at most 16 KiB in memory beside
 * themselves. */
export interface StoredRecord extends NewRecord {
  readonly offset: number
  /** The broker's time of append, milliseconds since the epoch; never decreasing within a partition. */
  readonly appendedAt: number
}

/** What a user may put in one record: key + value + headers, in bytes. The same on every backend. */
export const MAX_RECORD_BYTES = 1_000_000

/** Kept free under a backend's own limit, so that a record of the full size still fits with its cause in a letter. */
export const LETTER_ROOM_BYTES = 16_384

export const NO_HEADERS: Headers = Object.freeze([])

/** Key + value + headers (names and values), in bytes. */
export function recordBytes(record: Pick<NewRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += Buffer.byteLength(name) + (value?.length ?? 0)
  return bytes
}
