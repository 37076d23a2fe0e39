const SEED = 104_729
const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** MurmurHash3 x86 32 bits, unsigned, with the seed RabbitMQ's stream clients route by (stream Java client, HashRoutingStrategy). */
export function murmur3(bytes: Uint8Array): number {
  let h = SEED
  const whole = bytes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    const k = at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24)
    h ^= mix(k)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  const rest = bytes.length - whole
  if (rest === 3) tail ^= at(bytes, whole + 2) << 16
  if (rest >= 2) tail ^= at(bytes, whole + 1) << 8
  if (rest >= 1) h ^= mix(tail ^ at(bytes, whole))
  h ^= bytes.length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The partition of a super stream that RabbitMQ's clients choose for a key. */
export function murmur3Partition(key: Uint8Array, partitions: number): number {
  return murmur3(key) % partitions
}

function mix(k: number): number {
  const spread = Math.imul(k, C1)
  return Math.imul((spread << 15) | (spread >>> 17), C2)
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
