const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Kafka's murmur2 of the bytes as a signed 32-bit number (org.apache.kafka.common.utils.Utils.murmur2, Kafka 4.3). */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let h = SEED ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = length - whole
  if (rest === 3) h ^= at(bytes, whole + 2) << 16
  if (rest >= 2) h ^= at(bytes, whole + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ at(bytes, whole), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

/** The partition Kafka's default partitioner chooses for a key. */
export function murmur2Partition(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
