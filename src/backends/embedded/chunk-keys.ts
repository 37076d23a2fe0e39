import { CHUNK_HEADER, RECORD_HEADER } from './chunk.ts'

/** A record as compaction sees it. `key` is a view of the chunk. */
export interface KeyedRecord {
  readonly offset: number
  readonly key: Uint8Array | null
  readonly isTombstone: boolean
}

interface Place {
  readonly at: number
  readonly bytes: number
  readonly offset: number
}

function* placesOf(view: DataView): Generator<Place, void, undefined> {
  const base = view.getFloat64(8, true)
  let at = CHUNK_HEADER
  for (let left = view.getUint32(4, true); left > 0; left -= 1) {
    const bytes = view.getUint32(at, true) + 4
    yield { at, bytes, offset: base + view.getUint32(at + 4, true) }
    at += bytes
  }
}

function viewOf(chunk: Uint8Array): DataView {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

export function* keysOf(chunk: Uint8Array): Generator<KeyedRecord, void, undefined> {
  const view = viewOf(chunk)
  for (const { at, offset } of placesOf(view)) {
    const keyBytes = view.getInt32(at + 16, true)
    const start = at + RECORD_HEADER
    const key = keyBytes < 0 ? null : chunk.subarray(start, start + keyBytes)
    yield { offset, key, isTombstone: view.getInt32(at + 20, true) < 0 }
  }
}

/** The chunk without these records, all others byte for byte; null where none is left. */
export function thinChunk(chunk: Uint8Array, drop: ReadonlySet<number>): Uint8Array | null {
  const kept = [...placesOf(viewOf(chunk))].filter(({ offset }) => !drop.has(offset))
  if (kept.length === 0) return null
  const thinned = new Uint8Array(kept.reduce((sum, { bytes }) => sum + bytes, CHUNK_HEADER))
  thinned.set(chunk.subarray(0, CHUNK_HEADER))
  viewOf(thinned).setUint32(4, kept.length, true)
  let to = CHUNK_HEADER
  for (const { at, bytes } of kept) {
    thinned.set(chunk.subarray(at, at + bytes), to)
    to += bytes
  }
  return thinned
}
