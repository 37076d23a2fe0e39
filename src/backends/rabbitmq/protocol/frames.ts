import { malformed } from './wire.ts'

const SIZE_BYTES = 4
/** A frame has at least a key and a version. */
const MIN_FRAME_BYTES = 4

/** Cuts a byte stream into frames. Throws on a frame outside the bounds; the stream is of no use then. */
export interface FrameSplitter {
  /** Gives each frame that is now complete, without its size, to `onFrame`. The frame may be a view of `bytes`. */
  push(bytes: Buffer): void
}

/** Nothing is allocated by a claimed size: bytes are gathered as they come and joined when the frame is whole. */
export function createFrameSplitter(maxFrameBytes: number, onFrame: (frame: Buffer) => void): FrameSplitter {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Bytes that have to be held before the next look. */
  let needed = SIZE_BYTES

  function sizeOf(bytes: Buffer, at: number): number {
    const size = bytes.readUInt32BE(at)
    if (size < MIN_FRAME_BYTES || size > maxFrameBytes)
      throw malformed(`a frame of ${size} bytes; ${MIN_FRAME_BYTES} to ${maxFrameBytes} are possible`)
    return size
  }

  return {
    push(bytes) {
      held.push(bytes)
      heldBytes += bytes.length
      if (heldBytes < needed) return
      const all = held.length === 1 ? bytes : Buffer.concat(held, heldBytes)
      let at = 0
      needed = SIZE_BYTES
      while (all.length - at >= SIZE_BYTES) {
        const end = at + SIZE_BYTES + sizeOf(all, at)
        if (end > all.length) {
          needed = end - at
          break
        }
        onFrame(all.subarray(at + SIZE_BYTES, end))
        at = end
      }
      held = at === all.length ? [] : [all.subarray(at)]
      heldBytes = all.length - at
    },
  }
}
