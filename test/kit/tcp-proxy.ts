import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What the proxy does with bytes that arrive. `pass` hands them on. `mute` throws away what the server says, `deaf` what the
 * client says: neither side learns of it, so a connection that has been mute or deaf is of no use and has to be cut. `stall`
 * takes nothing from either side until it passes again.
 */
export type ProxyMode = 'pass' | 'mute' | 'deaf' | 'stall'

export interface TcpProxyOptions {
  readonly host: string
  readonly port: number
  /**
   * For protocols of frames with a four-byte length, in which the server tells clients its address: the server's port
   * after its host's name is replaced by the proxy's, so that no client goes around the proxy. In a cluster of nodes that name
   * each other: every node's port with that of its proxy; they may be filled in until the first client comes.
   */
  readonly advertised?: boolean | ReadonlyMap<number, number>
}

export interface TcpProxy {
  readonly port: number
  set(mode: ProxyMode): void
  /** Bytes of clients thrown away since the last `set`. */
  swallowed(): number
  /** How many connections clients have open. */
  connections(): number
  /** Ends all connections at once; new ones are taken. */
  cut(): void
  /** Ends the connection that came last. */
  cutNewest(): void
  close(): Promise<void>
}

/** A proxy on 127.0.0.1 that can fail a connection in the ways a network does. */
export async function openTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const { host, port, advertised = false } = options
  const sockets = new Set<Socket>()
  let mode: ProxyMode = 'pass'
  let swallowed = 0
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host, port, noDelay: true })
    const frames = advertised === false ? (bytes: Buffer) => bytes : createFrames(rewrite)
    join(client, upstream, (bytes) => {
      if (mode !== 'deaf') return void upstream.write(bytes)
      swallowed += bytes.length
    })
    join(upstream, client, (bytes) => {
      if (mode !== 'mute') client.write(frames(bytes))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port

  function join(from: Socket, to: Socket, take: (bytes: Buffer) => void): void {
    sockets.add(from)
    if (mode === 'stall') from.pause()
    from.on('data', take)
    // Whatever ended one side ends the other; the error itself is what the two peers are to find out.
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }

  function rewrite(frame: Buffer): Buffer {
    const ports = typeof advertised === 'boolean' ? [[port, own] as const] : advertised
    for (const [theirs, ours] of ports) replaceAll(frame, addressBytes(host, theirs), addressBytes(host, ours))
    return frame
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  return {
    port: own,
    set(next) {
      mode = next
      swallowed = 0
      for (const socket of sockets) {
        if (next === 'stall') socket.pause()
        else socket.resume()
      }
    },
    swallowed: () => swallowed,
    // Each has a socket on either side.
    connections: () => Math.ceil(sockets.size / 2),
    cut,
    cutNewest: () => void [...sockets].at(-1)?.destroy(),
    async close() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** The text of a host followed by its port in four bytes: how Kafka and RabbitMQ streams write an address. */
function addressBytes(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4)
  bytes.write(host, 'latin1')
  bytes.writeUInt32BE(port, host.length)
  return bytes
}

function replaceAll(bytes: Buffer, find: Buffer, replacement: Buffer): void {
  for (let at = bytes.indexOf(find); at >= 0; at = bytes.indexOf(find, at + find.length)) replacement.copy(bytes, at)
}

/** Collects bytes to whole frames and hands those on, each changed. */
function createFrames(change: (frame: Buffer) => Buffer): (bytes: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const whole: Buffer[] = []
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const length = 4 + rest.readUInt32BE(0)
      whole.push(change(Buffer.from(rest.subarray(0, length))))
      rest = rest.subarray(length)
    }
    return Buffer.concat(whole)
  }
}
