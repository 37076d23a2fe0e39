import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../../kit/eventually.ts'
import { openTcpProxy, type TcpProxy, type TcpProxyOptions } from '../../kit/tcp-proxy.ts'

const opened: { server: Server; proxy: TcpProxy; sockets: Socket[] }[] = []

afterEach(async () => {
  for (const { server, proxy, sockets } of opened.splice(0)) {
    await proxy.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A server that answers by `answer`, and a client of it through the proxy. */
async function setUp(answer: (bytes: Buffer, port: number) => Buffer, options: Partial<TcpProxyOptions> = {}) {
  const sockets: Socket[] = []
  const heard: Buffer[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        heard.push(bytes)
        socket.write(answer(bytes, (server.address() as AddressInfo).port))
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy = await openTcpProxy({ host: '127.0.0.1', port, ...options })
  opened.push({ server, proxy, sockets })
  const client = connect(proxy.port, '127.0.0.1')
  const got: Buffer[] = []
  client.on('error', () => undefined).on('data', (bytes) => got.push(bytes))
  await once(client, 'connect')
  sockets.push(client)
  return { proxy, client, got: () => Buffer.concat(got), heard: () => Buffer.concat(heard).toString() }
}

const echo = (bytes: Buffer) => bytes

describe('tcp proxy', () => {
  it('passes, and stalls until it passes again', async () => {
    const { proxy, client, got } = await setUp(echo)
    client.write('one')
    await eventually(() => got().toString() === 'one', { what: 'an answer' })
    proxy.set('stall')
    client.write('two')
    proxy.set('pass')
    await eventually(() => got().toString() === 'onetwo', { what: 'the held answer' })
  })

  it('mute lets the request through and throws the answer away', async () => {
    const { proxy, client, got, heard } = await setUp(echo)
    proxy.set('mute')
    client.write('lost answer')
    await eventually(() => heard() === 'lost answer', { what: 'the server hears' })
    const ended = once(client, 'close')
    proxy.cut()
    await ended
    expect(got().toString()).toBe('')
  })

  it('ends the newest connection alone', async () => {
    const { proxy, client, got } = await setUp(echo)
    client.write('older')
    await eventually(() => got().toString() === 'older', { what: 'an answer' })
    const newer = connect(proxy.port, '127.0.0.1').on('error', () => undefined)
    const heard = once(newer, 'data')
    newer.write('newer')
    await heard
    const ended = once(newer, 'close')
    proxy.cutNewest()
    await ended
    client.write(' again')
    await eventually(() => got().toString() === 'older again', { what: 'the older one is answered' })
  })

  it('deaf throws the request away', async () => {
    const { proxy, client, got, heard } = await setUp(echo)
    proxy.set('deaf')
    client.write('lost')
    await eventually(() => proxy.swallowed() === 4, { what: 'the request is swallowed' })
    proxy.set('pass')
    client.write('kept')
    await eventually(() => got().toString() === 'kept', { what: 'the next one is answered' })
    expect(heard()).toBe('kept')
  })

  it('puts its own port where the server names its address, also across chunks', async () => {
    const frame = (port: number) => {
      const text = Buffer.from('....xx127.0.0.1pppp!')
      text.writeUInt32BE(text.length - 4, 0)
      text.writeUInt32BE(port, text.length - 5)
      return text
    }
    let sent = 0
    // The client's requests make the server send the frame in two pieces.
    const answer = (_: Buffer, port: number) => (sent++ === 0 ? frame(port).subarray(0, 12) : frame(port).subarray(12))
    const { proxy, client, got, heard } = await setUp(answer, { advertised: true })
    client.write('a')
    await eventually(() => heard() === 'a', { what: 'the first piece is on its way' })
    client.write('b')
    await eventually(() => got().length > 0, { what: 'a whole frame' })
    expect(got()).toEqual(frame(proxy.port))
  })
})
