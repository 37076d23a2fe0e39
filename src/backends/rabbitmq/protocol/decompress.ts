import * as zlib from 'node:zlib'
import { decompressLz4 } from '../../lz4.ts'
import { decompressSnappy } from '../../snappy.ts'

/** What a batch may grow to. */
const MAX_BATCH_BYTES = 128 * 1_048_576
/** By the number that stands in a sub-entry batch (rabbitmq_stream, PROTOCOL.adoc, "Publish"). */
const [NONE, GZIP, SNAPPY, LZ4, ZSTD] = [0, 1, 2, 3, 4] as const

/** Undefined for what is damaged, too large or of an unknown kind. Throws where it is this Node.js that cannot read it. */
export function decompress(kind: number, bytes: Buffer): Buffer | undefined {
  if (kind === ZSTD && typeof zlib.zstdDecompressSync !== 'function')
    throw new Error('a batch compressed with zstd, which Node.js reads from 22.15 on: use a newer Node.js')
  try {
    return decode(kind, bytes)
  } catch {
    return undefined
  }
}

function decode(kind: number, bytes: Buffer): Buffer | undefined {
  const limit = { maxOutputLength: MAX_BATCH_BYTES }
  switch (kind) {
    case NONE:
      return bytes
    case GZIP:
      return zlib.gunzipSync(bytes, limit)
    case SNAPPY:
      return decompressSnappy(bytes, MAX_BATCH_BYTES)
    case LZ4:
      return decompressLz4(bytes, MAX_BATCH_BYTES)
    case ZSTD:
      return zlib.zstdDecompressSync(bytes, limit)
    default:
      return undefined
  }
}
