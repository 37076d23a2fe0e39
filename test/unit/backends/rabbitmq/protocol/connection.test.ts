import { afterEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { openConnection } from '../../../../../src/backends/rabbitmq/protocol/connection.ts'
import { eventually } from '../../../../kit/eventually.ts'
import {
  frame,
  openFakeStreamServer,
  responseFrame,
  type StreamRequest,
  text,
  u32,
} from '../../../../kit/fake-stream-server.ts'
import { queryOffset, subscribe } from '../../../../../src/backends/rabbitmq/protocol/requests.ts'
import { openStreamConnection } from '../../../../../src/backends/rabbitmq/protocol/handshake.ts'

const [SUBSCRIBE, OK, STREAM_DOES_NOT_EXIST] = [7, 1, 2]
const login = { user: 'u', password: 'secret', virtualHost: '/', connectionName: 'test' }
const closers: (() => void)[] = []
/** What clients hold open. */
const sockets = new Set<Socket>()
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Not a broker: something that answers on its port. */
async function listen(onSocket: (socket: Socket) => void) {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

describe('a stream connection', () => {
  it('ends-with-an-error-on-garbage-and-on-what-is-not-the-protocol', async () => {
    const answers = [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      Buffer.from('AMQP\0\0\x09\x01'),
      Buffer.alloc(64, 0xff),
      Buffer.from([0, 0, 0, 4, 0x80, 0x11, 0, 1]),
      Buffer.from([0, 0, 0, 10, 0x80, 0x11, 0, 1, 0, 0, 0, 1, 0, 1]),
      Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    ]
    for (const answer of answers) {
      const address = await listen((socket) => void socket.on('data', () => socket.end(answer)))
      await expect(openStreamConnection(address, login)).rejects.toThrow(/malformed|closed/)
    }
  })

  it('takes-a-silent-broker-for-dead-unless-it-waits-for-its-coordinator', async () => {
    const asked: StreamRequest[] = []
    const server = await openFakeStreamServer({
      heartbeatSeconds: 3,
      // As RabbitMQ does: the subscription is answered before its coordinator is asked, and what comes behind it after.
      onRequest(request) {
        if (request.key === SUBSCRIBE) return OK
        asked.push(request)
        return undefined
      },
    })
    closers.push(server.close)
    const address = { host: '127.0.0.1', port: server.port, tls: undefined }
    const waits = await openStreamConnection(address, login)
    const subscribing = subscribe(waits, {
      id: 1,
      stream: 's',
      offset: 'next',
      credit: 1,
      properties: { 'single-active-consumer': 'true', name: 'g' },
    })
    await eventually(() => asked.length === 1, { what: 'the broker is asked' })
    const other = await openStreamConnection(address, login)
    const looking = queryOffset(other, 'g', 's')
    await expect(looking).rejects.toThrow('no heartbeat')
    expect(waits.failure).toBeUndefined()
    const [{ key, correlation, socket }] = asked as [StreamRequest]
    socket.write(responseFrame(key, correlation, STREAM_DOES_NOT_EXIST))
    await (await subscribing).registered
  })

  it('rejects-what-waits-when-the-other-side-goes-and-everything-after', async () => {
    const address = await listen((socket) => void socket.on('data', () => socket.destroy()))
    const connection = await openConnection(address, 1_000)
    const requests = [1, 2, 3].map(() => connection.request('Partitions', (out) => out.string('x')))
    for (const request of requests) await expect(request).rejects.toThrow(/closed|ECONNRESET/)
    expect((await connection.closed).message).toMatch(/closed|ECONNRESET/)
    await expect(connection.request('Partitions', (out) => out.string('x'))).rejects.toThrow(/closed|ECONNRESET/)
    await connection.drained()
    await connection.close()
  })

  it('an-answer-that-does-not-come-ends-it-within-the-time-limit', async () => {
    const address = await listen((socket) => void socket.resume())
    const connection = await openConnection(address, 1_000)
    const slow = connection.request('Partitions', (out) => out.string('x'), 50)
    const other = connection.request('StreamStats', (out) => out.string('x'))
    await expect(slow).rejects.toThrow('Partitions was not answered within 50 ms')
    await expect(other).rejects.toThrow('Partitions was not answered within 50 ms')
  })

  it('says-why-when-the-broker-closes-it', async () => {
    const close = Buffer.from([0, 0, 0, 14, 0, 0x16, 0, 1, 0, 0, 0, 9, 0, 14, 0, 2, 0x6e, 0x6f])
    const address = await listen((socket) => void socket.write(close))
    const connection = await openConnection(address, 1_000)
    expect((await connection.closed).message).toBe('RabbitMQ closed the connection: no (code 14)')
  })

  it('a-command-of-the-broker-cut-anywhere-ends-the-connection-and-nothing-else', async () => {
    for (const [key, body, isWhole] of SAID) {
      for (let length = 0; length < body.length; length++) {
        const { connection, heard } = await saying(frame(key, body.subarray(0, length)))
        const why = (await connection.closed).message
        expect(isWhole(length) || why.includes('malformed') ? '' : `${key} cut at ${length}: ${why}`).toBe('')
        expect(heard.length).toBeLessThanOrEqual(1)
      }
    }
  })

  it('random-frames-of-the-broker-end-in-nothing-worse-than-a-closed-connection', async () => {
    const frames = fc.array(fc.tuple(fc.nat(0x1f), fc.boolean(), fc.uint8Array({ maxLength: 60 })), {
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(frames, async (frames) => {
        const bytes = frames.map(([key, isResponse, body]) => frame(isResponse ? key | 0x8000 : key, Buffer.from(body)))
        const { connection } = await saying(Buffer.concat(bytes))
        expect((await connection.closed).message).toMatch(/malformed|closed/)
        await expect(connection.request('Partitions', (out) => out.string('x'))).rejects.toThrow()
      }),
      { numRuns: 150 },
    )
  })

  it('close-rejects-what-waits-and-leaves-no-socket', async () => {
    const address = await listen((socket) => void socket.resume())
    const connection = await openConnection(address, 1_000)
    connection.agree(0, 60, new Map())
    const waiting = connection.request('Partitions', (out) => out.string('x'), 60_000)
    const refused = expect(waiting).rejects.toThrow('the connection was closed')
    connection.destroy(new Error('the connection was closed'))
    await refused
    await connection.close()
    await connection.drained()
    await eventually(() => sockets.size === 0, { what: 'the socket is gone' })
  })

  it('an-aborted-opening-leaves-no-socket', async () => {
    const address = await listen((socket) => void socket.resume())
    for (const abortAfterMs of [0, 1, 20]) {
      const ending = new AbortController()
      const refused = expect(openStreamConnection(address, login, ending.signal)).rejects.toThrow('enough')
      setTimeout(() => ending.abort(new Error('enough')), abortAfterMs)
      await refused
      await eventually(() => sockets.size === 0, { what: 'the socket is gone' })
    }
  })
})

const never = () => false
/** Commands of the broker, and from which length on a cut says something whole. */
const SAID: readonly (readonly [number, Buffer, (length: number) => boolean])[] = [
  [3, Buffer.concat([Buffer.from([1]), u32(2), Buffer.alloc(16)]), never],
  [4, Buffer.concat([Buffer.from([1]), u32(1), Buffer.alloc(10)]), never],
  [0x10, Buffer.concat([Buffer.from([0, 6]), text('stream')]), never],
  [0x14, Buffer.concat([u32(1), u32(60)]), never],
  [0x16, Buffer.concat([u32(1), Buffer.from([0, 1]), text('why')]), never],
  [0x1a, Buffer.concat([u32(1), Buffer.from([1, 1])]), never],
  // What follows the subscription is for whoever subscribed.
  [8, Buffer.concat([Buffer.from([1]), Buffer.alloc(48)]), (length) => length > 0],
  [0x8009, Buffer.from([0, 4, 1]), never],
  // An answer's content is for whoever asked.
  [0x8019, Buffer.concat([u32(1), Buffer.from([0, 1]), u32(0)]), (length) => length >= 6],
]

/** A connection that is told this once it has said anything; then the other side goes. */
async function saying(bytes: Buffer) {
  const address = await listen((socket) => void socket.once('data', () => socket.end(bytes)))
  const connection = await openConnection(address, 1_000)
  const heard: string[] = []
  const note = (what: string) => void heard.push(what)
  connection.subscriptions.set(1, {
    onChunk: () => note('chunk'),
    onConsumerUpdate: async () => 'none',
    onRefused: () => note('refused'),
  })
  connection.publishers.set(1, {
    onConfirm(ids, count) {
      for (let left = count; left > 0; left--) note(`confirm ${ids.u64()}`)
    },
    onError: () => note('error'),
  })
  connection.metadataListeners.add(() => note('metadata'))
  void connection.request('Partitions', (out) => out.string('x')).catch(() => undefined)
  return { connection, heard }
}
