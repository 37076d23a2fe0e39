import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import { unpack } from '../unpack.ts'

/** By the number that stands in a batch's attributes (KIP-110). */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

const SNAPPY_BLOCK_BYTES = 65_536
/** The header that Java's SnappyOutputStream writes: a magic, its version, and the least version that can read it. */
const XERIAL = Buffer.from('82534e41505059000000000100000001', 'hex')

const require = createRequire(import.meta.url)
const gzip = promisify(zlib.gzip)

/** ERR_UNSUPPORTED where this Node.js does not have the codec. */
export function checkCodec(codec: Codec): void {
  if (codec !== 'zstd' || typeof zlib.zstdCompressSync === 'function') return
  throw new DrawbridgeError(
    'ERR_UNSUPPORTED',
    'compression=zstd needs Node.js 22.15 or newer: take another codec, or a newer Node.js',
  )
}

/** Off the event loop where the library can. Libraries load when they are first used. */
export async function compress(codec: Exclude<Codec, 'none'>, bytes: Buffer): Promise<Buffer> {
  switch (codec) {
    case 'gzip':
      return gzip(bytes)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return (await import('lz4-napi')).compressFrame(bytes)
    case 'zstd':
      return promisify(zlib.zstdCompress)(bytes)
  }
}

function compressSnappy(bytes: Buffer): Buffer {
  const { compress: block } = require('snappyjs') as { compress(bytes: Buffer): Buffer }
  const parts: Buffer[] = [XERIAL]
  for (let at = 0; at < bytes.length; at += SNAPPY_BLOCK_BYTES) {
    const compressed = block(bytes.subarray(at, at + SNAPPY_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(compressed.length)
    parts.push(length, compressed)
  }
  return Buffer.concat(parts)
}

/**
 * The records; or, where these bytes cannot be unpacked or become too large, why. Kafka has unpacked them when it took them, so
 * it is the producer's doing and not to be waited for. ERR_UNSUPPORTED for a codec that is not known here. `place` names the batch.
 */
export function decompress(codec: number, bytes: Buffer, place: string): Buffer | string {
  const name = CODECS[codec]
  try {
    const found = unpack(codec, bytes)
    if (found !== undefined) return found
  } catch (error) {
    return `${name}: ${errorText(error)}`
  }
  throw new DrawbridgeError(
    'ERR_UNSUPPORTED',
    `${place}: a batch of codec ${name ?? codec} cannot be read here: Node.js reads zstd from 22.15 on, and later codecs are not known`,
    { details: { codec } },
  )
}
