const LENGTH_BYTES = 4
/** No answer is larger: a fetch asks for 8 MiB, and gets more only where one batch alone is. */
export const MAX_FRAME_BYTES = 134_217_728

/**
 * Cuts what arrives into Kafka's frames, each behind its length (int32). Holds no more than has arrived, whatever a length
 * claims; throws a RangeError for one that no answer has. Frames share memory with what arrived.
 */
export function createFrames(onFrame: (frame: Buffer) => void): (bytes: Buffer) => void {
  let parts: Buffer[] = []
  let held = 0
  let wanted = LENGTH_BYTES

  return (bytes) => {
    parts.push(bytes)
    held += bytes.length
    while (held >= wanted) {
      // Joined only when a whole frame is there, so that a large one is not copied at each piece.
      const joined: Buffer = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
      const length = joined.readInt32BE(0)
      // A correlation id at least.
      if (length < LENGTH_BYTES || length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes`)
      wanted = LENGTH_BYTES + length
      parts = [joined]
      if (held < wanted) return
      const rest = joined.subarray(wanted)
      const frame = joined.subarray(LENGTH_BYTES, wanted)
      parts = rest.length === 0 ? [] : [rest]
      held = rest.length
      wanted = LENGTH_BYTES
      onFrame(frame)
    }
  }
}
