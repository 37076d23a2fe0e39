import * as zlib from 'node:zlib'
import { decompressLz4 } from './lz4.ts'
import { decompressSnappy } from './snappy.ts'

/** A batch may grow to so many bytes; brokers take 1 MiB by default, and a few bytes can ask for gigabytes. */
export const MAX_UNPACKED_BYTES = 134_217_728
const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4] as const

/** False on a Node.js before 22.15. */
export const readsZstd = typeof zlib.zstdDecompressSync === 'function'

/**
 * Bytes of a batch by the number of its codec, which Kafka (KIP-110) and RabbitMQ (PROTOCOL.adoc, "Publish") give alike. Undefined for
 * a codec that is not known here, as zstd may be; throws where the bytes are damaged or become too large.
 */
export function unpack(codec: number, bytes: Buffer): Buffer | undefined {
  const limit = { maxOutputLength: MAX_UNPACKED_BYTES }
  if (codec === GZIP) return zlib.gunzipSync(bytes, limit)
  if (codec === SNAPPY) return decompressSnappy(bytes, MAX_UNPACKED_BYTES)
  if (codec === LZ4) return decompressLz4(bytes, MAX_UNPACKED_BYTES)
  if (codec === ZSTD && readsZstd) return zlib.zstdDecompressSync(bytes, limit)
  return undefined
}
