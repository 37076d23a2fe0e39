import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { DrawbridgeError } from '../../core/errors.ts'

/** A batch may grow to so many bytes; a broker takes 1 MiB by default, and a few bytes can ask for gigabytes. */
const MAX_BATCH_BYTES = 134_217_728
const GZIP = 1
const ZSTD = 4
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** By the codec number of a batch's attributes. ERR_UNSUPPORTED for what cannot be read here. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  if (codec === GZIP) return gunzipSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
  if (codec === ZSTD && typeof zstdDecompressSync === 'function') {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
  }
  throw new DrawbridgeError(
    'ERR_UNSUPPORTED',
    `a batch compressed with ${NAMES[codec] ?? `codec ${codec}`} cannot be read here: let its producer use gzip, zstd (Node.js 22.15 or newer) or none`,
    { details: { codec } },
  )
}
