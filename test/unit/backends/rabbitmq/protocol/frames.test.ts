import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createFrameSplitter } from '../../../../../src/backends/rabbitmq/protocol/frames.ts'

function framed(content: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(content.length)
  return Buffer.concat([size, content])
}

describe('stream frames', () => {
  it('frames-come-out-whole-however-the-bytes-arrive', () => {
    const contents = fc.array(fc.uint8Array({ minLength: 4, maxLength: 50 }), { maxLength: 10 })
    fc.assert(
      fc.property(contents, fc.array(fc.nat(60), { maxLength: 40 }), (contents, cuts) => {
        const stream = Buffer.concat(contents.map(framed))
        const seen: Buffer[] = []
        const splitter = createFrameSplitter(1_000, (frame) => seen.push(Buffer.from(frame)))
        let at = 0
        for (const cut of cuts) {
          splitter.push(stream.subarray(at, at + cut))
          at = Math.min(stream.length, at + cut)
        }
        splitter.push(stream.subarray(at))
        expect(seen).toEqual(contents.map((content) => Buffer.from(content)))
      }),
    )
  })

  it('a-frame-outside-the-bounds-is-refused-before-it-has-come', () => {
    for (const size of [0, 3, 1_001, 0xffffffff]) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(size)
      expect(() => createFrameSplitter(1_000, () => undefined).push(bytes)).toThrow(/malformed: a frame of/)
    }
  })

  it('a-claimed-size-allocates-nothing', () => {
    const splitter = createFrameSplitter(0xffffffff, () => undefined)
    const before = process.memoryUsage().arrayBuffers
    splitter.push(Buffer.from([0xff, 0xff, 0xff, 0x00, 1, 2, 3]))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })
})
