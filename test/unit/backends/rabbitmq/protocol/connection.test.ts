import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { openConnection } from '../../../../../src/backends/rabbitmq/protocol/connection.ts'
import { openStreamConnection } from '../../../../../src/backends/rabbitmq/protocol/handshake.ts'

const login = { user: 'u', password: 'secret', virtualHost: '/', connectionName: 'test' }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Not a broker: something that answers on its port. */
async function listen(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
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
})
