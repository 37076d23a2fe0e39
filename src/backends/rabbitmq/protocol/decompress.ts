import { readsZstd, unpack } from '../../unpack.ts'

/** By the number that stands in a sub-entry batch (rabbitmq_stream, PROTOCOL.adoc, "Publish"). */
const [NONE, ZSTD] = [0, 4] as const

/** Undefined for what is damaged, too large or of an unknown kind. Throws where it is this Node.js that cannot read it. */
export function decompress(kind: number, bytes: Buffer): Buffer | undefined {
  if (kind === NONE) return bytes
  if (kind === ZSTD && !readsZstd)
    throw new Error('a batch compressed with zstd, which Node.js reads from 22.15 on: use a newer Node.js')
  try {
    return unpack(kind, bytes)
  } catch {
    return undefined
  }
}
