import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A frame that a client sent: its command's key, and its content behind the correlation id. */
export interface StreamRequest {
  readonly key: number
  readonly correlation: number
  readonly body: Buffer
  readonly socket: Socket
}

export interface FakeStreamOptions {
  /** What it says its version is. Default 4.0.5. */
  readonly version?: string
  /** Default 60. Its own heart never beats. */
  readonly heartbeatSeconds?: number
  /**
   * Asked after the handshake: bytes to be written, or the code of a bare answer. Undefined: the request stays without one.
   */
  onRequest?(request: StreamRequest): Buffer | number | undefined
}

export interface FakeStreamServer {
  readonly port: number
  /** Keys of the requests it got, in order. */
  readonly keys: readonly number[]
  connections(): number
  close(): void
}

const RESPONSE = 0x8000
const [PEER_PROPERTIES, SASL_HANDSHAKE, SASL_AUTHENTICATE, TUNE] = [0x11, 0x12, 0x13, 0x14] as const
const [OPEN, CLOSE, HEARTBEAT] = [0x15, 0x16, 0x17] as const
const OK = 1

/** Speaks the handshake of RabbitMQ's stream protocol and then does as it is told: what no real broker would do. */
export async function openFakeStreamServer(options: FakeStreamOptions = {}): Promise<FakeStreamServer> {
  const { version = '4.0.5', heartbeatSeconds = 60 } = options
  const sockets = new Set<Socket>()
  const keys: number[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0)
        answer(rest.subarray(4, end), socket)
        rest = rest.subarray(end)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function answer(frame: Buffer, socket: Socket): void {
    const key = frame.readUInt16BE(0)
    // Answers to what we said, and heartbeats, want none.
    if ((key & RESPONSE) !== 0 || key === HEARTBEAT) return
    keys.push(key)
    const correlation = frame.length >= 8 ? frame.readUInt32BE(4) : 0
    const body = frame.subarray(8)
    const said = handshake(key) ?? options.onRequest?.({ key, correlation, body, socket })
    if (typeof said === 'number') socket.write(responseFrame(key, correlation, said))
    else if (Buffer.isBuffer(said)) socket.write(said)
    else for (const each of said ?? []) socket.write(each(correlation))
  }

  function handshake(key: number): readonly ((correlation: number) => Buffer)[] | undefined {
    switch (key) {
      case PEER_PROPERTIES:
        return [(id) => responseFrame(key, id, OK, Buffer.concat([u32(1), text('version'), text(version)]))]
      case SASL_HANDSHAKE:
        return [(id) => responseFrame(key, id, OK, Buffer.concat([u32(1), text('PLAIN')]))]
      case SASL_AUTHENTICATE:
        return [
          (id) => responseFrame(key, id, OK),
          () => frame(TUNE, Buffer.concat([u32(1_048_576), u32(heartbeatSeconds)])),
        ]
      case OPEN:
        return [(id) => responseFrame(key, id, OK, u32(0))]
      case CLOSE:
        return [(id) => responseFrame(key, id, OK)]
      default:
        return undefined
    }
  }

  return {
    port: (server.address() as AddressInfo).port,
    keys,
    connections: () => sockets.size,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** A frame of version 1. */
export function frame(key: number, content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(content.length + 4, 0)
  head.writeUInt16BE(key, 4)
  head.writeUInt16BE(1, 6)
  return Buffer.concat([head, content])
}

export function responseFrame(key: number, correlation: number, code: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(correlation, 0)
  head.writeUInt16BE(code, 4)
  return frame(key | RESPONSE, Buffer.concat([head, body]))
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function text(value: string): Buffer {
  const size = Buffer.alloc(2)
  size.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([size, Buffer.from(value)])
}
