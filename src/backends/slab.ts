/** What small copies share, and so the most that whoever keeps one keeps beside it. Node's own pool is four times as large. */
const SLAB_BYTES = 16_384
/** From this size on a copy has a block of its own. */
const OWN_BYTES = 4_096
const EMPTY = Buffer.alloc(0)

let slab = EMPTY
let used = 0

/**
 * The bytes [start, end) of an answer, copied, so that nobody who keeps them keeps the whole answer. A block of memory for each
 * record would cost five times as much as the copying (see DECISIONS.md).
 */
export function copyOut(source: Buffer, start: number, end: number): Buffer {
  const length = end - start
  if (length === 0) return EMPTY
  if (length >= OWN_BYTES) {
    const own = Buffer.allocUnsafeSlow(length)
    source.copy(own, 0, start, end)
    return own
  }
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    used = 0
  }
  const at = used
  used += length
  source.copy(slab, at, start, end)
  return slab.subarray(at, used)
}
