import { afterAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { createReader, createWriter } from '../../../../src/backends/kafka/bytes.ts'
import { fetchRecords, listOffsets, produce } from '../../../../src/backends/kafka/calls-log.ts'
import { describeGroups, fetchOffsets, joinGroup, listGroups } from '../../../../src/backends/kafka/calls-groups.ts'
import { describeConfigs, metadata } from '../../../../src/backends/kafka/calls-topics.ts'
import { decodeAssignment, decodeSubscription } from '../../../../src/backends/kafka/share.ts'
import { openBackend } from '../../../../src/backends/open.ts'
import { silentLog } from '../../../../src/core/log.ts'

const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})

/** A server that answers the n-th request of each connection by the n-th of these; what has no answer hangs up. */
async function fakeBroker(...answers: readonly ((correlation: Buffer, socket: Socket) => Buffer)[]): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let asked = 0
    socket.on('data', (request: Buffer) => {
      const answer = answers[asked++]
      if (answer === undefined) socket.end()
      else socket.write(answer(request.subarray(8, 12), socket))
    })
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `kafka://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function framed(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

function claiming(length: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(length)
  return Buffer.concat([head, ...parts])
}

const versions = (correlation: Buffer) => framed(correlation, Buffer.alloc(6))
const WRONG = Buffer.from([0x7f, 0, 0, 1])

test.each<readonly [string, RegExp, ...((correlation: Buffer, socket: Socket) => Buffer)[]]>([
  ['hangs-up-at-once', /Closed|closed/],
  [
    'cuts-a-frame',
    /Closed|closed/,
    (correlation, socket) => (setImmediate(() => socket.end()), claiming(100, correlation)),
  ],
  ['claims-two-gigabytes', /a frame of 2147483647 bytes/, (correlation) => claiming(2_147_483_647, correlation)],
  ['claims-less-than-nothing', /a frame of -5 bytes/, (correlation) => claiming(-5, correlation)],
  ['sends-a-frame-too-short', /a frame of 2 bytes/, () => claiming(2, Buffer.alloc(2))],
  ['answers-somebody-else', /never made/, () => framed(WRONG, Buffer.alloc(6))],
  ['answers-twice', /never made/, (correlation) => Buffer.concat([versions(correlation), versions(correlation)])],
  ['speaks-http', /does not speak Kafka/, () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['cuts-an-answer', /cannot be read/, (correlation) => framed(correlation, Buffer.alloc(1))],
  ['cuts-the-metadata', /cannot be read/, versions, (correlation) => framed(correlation, Buffer.alloc(6))],
  [
    'claims-four-billion-nodes',
    /a list of 4294967294/,
    versions,
    (correlation) => framed(correlation, Buffer.alloc(5), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])),
  ],
  [
    'sends-a-number-without-end',
    /more than 32 bits/,
    versions,
    (correlation) => framed(correlation, Buffer.alloc(5), Buffer.alloc(50, 0xff)),
  ],
])('a-broker-that-%s-is-a-clear-error', async (_, said, ...answers) => {
  const url = await fakeBroker(...answers)
  const started = performance.now()
  const error: unknown = await openBackend(url, { log: silentLog }).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'ERR_BROKER_UNREACHABLE', message: expect.stringMatching(said) })
  // Told by what came, not by a time limit.
  expect(performance.now() - started).toBeLessThan(9_000)
})

test('random-answers-are-errors-and-nothing-worse', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, inFrame) => {
      const answer = (correlation: Buffer, socket: Socket) => {
        setImmediate(() => socket.end())
        return inFrame ? framed(correlation, bytes) : Buffer.from(bytes)
      }
      const url = await fakeBroker(versions, answer)
      const backend = await openBackend(url, { log: silentLog }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ERR_BROKER_UNREACHABLE' })
        return undefined
      })
      await backend?.close()
    }),
    { numRuns: 60 },
  )
})

const CALLS = [
  metadata(null),
  describeConfigs(2, ['t'], []),
  produce([], 1),
  fetchRecords('t', [], { waitMs: 0, maxBytes: 1 }),
  listOffsets('t', [0], -1),
  joinGroup({
    group: 'g',
    member: '',
    instance: null,
    sessionMs: 1,
    rebalanceMs: 1,
    protocol: 'p',
    metadata: Buffer.alloc(0),
  }),
  fetchOffsets('g', null),
  describeGroups(['g']),
  listGroups(),
]

test.each(CALLS.map((call) => [call.name, call] as const))('no-answer-to-%s-is-worse-than-an-error', (_, call) => {
  const lists = fc.constantFrom(0x7f_ff_ff_ff, 0x10_00_00_00, 1, 0)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(lists, { maxLength: 5 }), (bytes, lengths) => {
      const writer = createWriter()
      for (const length of lengths) writer.int32(length)
      writer.raw(Buffer.from(bytes))
      try {
        call.read(createReader(writer.done()))
      } catch (error) {
        expect((error as Error).name).toBe('RangeError')
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what-a-foreign-member-says-of-itself-stops-nobody', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(decodeSubscription('m', Buffer.from(bytes)).id).toBe('m')
    }),
    { numRuns: 2_000 },
  )
  expect(decodeAssignment(Buffer.alloc(0), 't')).toEqual([])
})
