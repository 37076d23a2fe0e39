import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MAX_FRAME_BYTES, createFrames } from '../../../../src/backends/kafka/frames.ts'

function framed(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length)
  return Buffer.concat([length, content])
}

test('frames-come-out-whole-however-they-arrive', () => {
  const contents = fc.array(fc.uint8Array({ minLength: 4, maxLength: 200 }), { maxLength: 10 })
  fc.assert(
    fc.property(contents, fc.array(fc.nat(50), { maxLength: 50 }), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(framed))
      const seen: Buffer[] = []
      const feed = createFrames((frame) => void seen.push(Buffer.from(frame)))
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        feed(stream.subarray(at, at + cut))
        at += cut
      }
      expect(seen).toEqual(frames.map((content) => Buffer.from(content)))
    }),
  )
})

test.each([0, 3, -1, -2_147_483_648, MAX_FRAME_BYTES + 1, 2_147_483_647])(
  'a-frame-of-%d-bytes-is-refused-at-once',
  (length) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(length)
    expect(() => createFrames(() => undefined)(bytes)).toThrow(`a frame of ${length} bytes`)
  },
)
