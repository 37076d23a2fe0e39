import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import { decompressLz4 } from '../lz4.ts'
import { decompressSnappy } from '../snappy.ts'

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

/** A batch may grow to so many bytes; a broker takes 1 MiB by default, and a few bytes can ask for gigabytes. */
const MAX_BATCH_BYTES = 134_217_728
const GZIP = 1
const SNAPPY = 2
const LZ4 = 3
const ZSTD = 4

/**
 * By the codec number of a batch's attributes (KIP-110). ERR_UNSUPPORTED for what cannot be read here, ERR_STORE_FAILED
 * for what is damaged.
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  try {
    const found = decode(codec, bytes)
    if (found !== undefined) return found
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_STORE_FAILED',
      `a compressed batch (codec ${codec}) cannot be read: ${errorText(error)}; check the broker's disks, then move the group or the read past it`,
      { cause: error, details: { codec } },
    )
  }
  throw new DrawbridgeError(
    'ERR_UNSUPPORTED',
    `a batch of codec ${codec} cannot be read here: Node.js reads zstd (4) from 22.15 on, and later codecs are not known`,
    { details: { codec } },
  )
}

function decode(codec: number, bytes: Buffer): Buffer | undefined {
  if (codec === GZIP) return gunzipSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
  if (codec === SNAPPY) return decompressSnappy(bytes, MAX_BATCH_BYTES)
  if (codec === LZ4) return decompressLz4(bytes, MAX_BATCH_BYTES)
  if (codec === ZSTD && typeof zstdDecompressSync === 'function') {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
  }
  return undefined
}
