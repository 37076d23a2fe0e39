import { connect } from 'node:net'

/** Sends the request to a port of this machine and resolves to all that came back once `isWhole` says so of it. */
export function ask(
  port: number,
  request: Buffer,
  isWhole: (reply: Buffer) => boolean,
  timeoutMs = 2_000,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let reply = Buffer.alloc(0)
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    const fail = (why: string) => {
      socket.destroy()
      reject(new Error(`port ${port}: ${why}`))
    }
    const timer = setTimeout(() => fail(`no whole answer within ${timeoutMs} ms`), timeoutMs)
    socket.on('data', (chunk) => {
      reply = Buffer.concat([reply, chunk])
      if (!isWhole(reply)) return
      socket.destroy()
      resolve(reply)
    })
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new Error(`port ${port}: closed before its answer was whole`))
    })
  })
}

/** Whether a frame that begins with its length (4 bytes, big-endian) is all there. */
export function isWholeFrame(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)
}
