import { isUtf8 } from 'node:buffer'
import { DrawbridgeError } from '../core/errors.ts'

export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** Longer than any record's JSON can sensibly be. */
const MAX_LINE_BYTES = 16 * 1_048_576
const NEWLINE = 0x0a

/** Lines of a byte stream. ERR_CONFIG names the line that is too long or not UTF-8. The last one needs no newline. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0
  let held: Buffer[] = []
  let heldBytes = 0

  function take(rest: Buffer): Line {
    number++
    const bytes = Buffer.concat([...held, rest])
    held = []
    heldBytes = 0
    if (!isUtf8(bytes)) throw lineError(number, 'is not UTF-8')
    const text = bytes.toString('utf8').replace(/\r$/, '')
    return { number, text: number === 1 ? text.replace(/^\uFEFF/, '') : text }
  }

  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      yield take(buffer.subarray(start, end))
      start = end + 1
    }
    heldBytes += buffer.length - start
    if (heldBytes > MAX_LINE_BYTES) throw lineError(number + 1, `is longer than ${MAX_LINE_BYTES} bytes`)
    if (start < buffer.length) held.push(buffer.subarray(start))
  }
  if (heldBytes > 0) yield take(Buffer.alloc(0))
}

/** A fault of the input, by its line. */
export function lineError(line: number, what: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError('ERR_CONFIG', `line ${line} ${what}; correct it and send the rest from there`, {
    details: { line },
    ...(cause === undefined ? {} : { cause }),
  })
}
