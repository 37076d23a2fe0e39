import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import rhea from 'rhea'
import { readRecord, writeRecord } from '../../../../src/backends/rabbitmq/layout.ts'
import { createOutput } from '../../../../src/backends/rabbitmq/protocol/wire.ts'
import type { NewRecord } from '../../../../src/core/record.ts'
import { typed, writeTyped } from './protocol/rhea.ts'

function write(record: NewRecord): Buffer {
  const out = createOutput()
  writeRecord(out, record)
  return out.finish()
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))
const nullable = fc.option(bytes)
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: fc.option(
    fc.oneof(
      bytes,
      text.map((each) => Buffer.from(each)),
    ),
  ),
  value: nullable,
  headers: fc.array(
    fc.tuple(
      fc.oneof(text, fc.constantFrom('', 'a', '__proto__')),
      fc.oneof(
        nullable,
        text.map((each) => Buffer.from(each)),
      ),
    ),
    { maxLength: 6 },
  ),
  timestamp: fc.integer({ min: 0, max: 253_402_300_799_999 }),
})

describe('layout of records in messages', () => {
  it('every-record-comes-back-as-it-went', () => {
    fc.assert(
      fc.property(record, (record) => {
        expect(readRecord(write(record))).toEqual(record)
      }),
      { numRuns: 1_000 },
    )
  })

  it('records-of-the-usual-shape-mean-what-the-general-codec-reads-also-when-damaged', () => {
    const usual = fc.record({
      key: fc.oneof(
        bytes,
        text.map((each) => Buffer.from(each)),
      ),
      value: bytes,
      headers: fc.constant([]),
      timestamp: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    })
    // A transfer header, which says nothing of a record, leads past the short cut.
    const detour = Buffer.from([0, 0x53, 0x70, 0x45])
    const damage = fc.tuple(fc.nat(), fc.nat(255), fc.boolean())
    fc.assert(
      fc.property(usual, damage, (record, [place, byte, cut]) => {
        const message = write(record)
        const at = place % message.length
        const damaged = Buffer.from(cut ? message.subarray(0, at) : message)
        if (!cut) damaged[at] = byte
        for (const each of [message, damaged]) {
          const long = readRecord(Buffer.concat([detour, each]))
          const isBytes = long.timestamp === null && long.value?.subarray(detour.length).equals(each) === true
          expect(readRecord(each)).toEqual(isBytes ? { ...long, value: each } : long)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('another-codec-reads-value-key-headers-and-time', () => {
    const sent = {
      key: Buffer.from('clé'),
      value: Buffer.from([0, 1, 2]),
      headers: [
        ['trace', Buffer.from('abc')],
        ['é', Buffer.from('日')],
      ],
      timestamp: 1_700_000_000_123,
    } as const
    const message = rhea.message.decode(write(sent)) as unknown as {
      body: { content: Buffer }
      message_annotations: unknown
      application_properties: unknown
      creation_time: Date | number
    }
    expect(Buffer.from(message.body.content)).toEqual(sent.value)
    expect(message.message_annotations).toEqual({ 'x-opt-partition-key': 'clé' })
    expect(message.application_properties).toEqual({ trace: 'abc', é: '日' })
    expect(Number(message.creation_time)).toBe(sent.timestamp)
  })

  it('headers-of-every-type-and-any-body-are-read-as-something', () => {
    fc.assert(
      fc.property(typed, typed, (header, body) => {
        const section = (code: number, value: unknown) =>
          Buffer.concat([Buffer.from([0, 0x53, code]), writeTyped(value)])
        const message = Buffer.concat([
          section(0x74, rhea.types.wrap_map({ h: header.wrapped })),
          section(0x77, body.wrapped),
        ])
        const read = readRecord(message)
        expect(read.headers.map(([name]) => name)).toEqual(['h'])
        expect(read.headers[0]?.[1] === null).toBe(header.expected === null)
        expect(read.value === null).toBe(body.expected === null)
      }),
    )
  })

  it('several-data-sections-are-one-value', () => {
    const data = (text: string) => Buffer.concat([Buffer.from([0, 0x53, 0x75, 0xa0, text.length]), Buffer.from(text)])
    expect(readRecord(Buffer.concat([data('ab'), data('c')])).value).toEqual(Buffer.from('abc'))
  })

  it('what-is-no-message-is-its-bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        const read = readRecord(Buffer.from(bytes))
        if (bytes[0] !== 0) expect(read).toEqual({ key: null, value: Buffer.from(bytes), headers: [], timestamp: null })
      }),
    )
    const whole = write({ key: Buffer.from('k'), value: Buffer.from('v'), headers: [], timestamp: 1 })
    for (let length = 1; length < whole.length; length++) readRecord(whole.subarray(0, length))
  })

  it('a-kept-key-keeps-no-chunk-in-memory', () => {
    const large = readRecord(write({ key: Buffer.from('k'), value: Buffer.alloc(5_000), headers: [], timestamp: 1 }))
    expect(large.key?.buffer.byteLength).toBeLessThanOrEqual(16_384)
    expect(large.value?.buffer.byteLength).toBe(5_000)
  })
})
