import { createHash } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'

/**
 * Does the work while no other process that names the same lock does. The lock is a socket in Linux's abstract namespace:
 * the kernel frees it when its holder dies, however that happens, so none is ever left over.
 */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const address = `\0drawbridge-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
  let told = false
  let held = await claim(address)
  while (held === undefined) {
    if (!told) onWait()
    told = true
    await holderGone(address)
    held = await claim(address)
  }
  try {
    return await work()
  } finally {
    await release(held)
  }
}

interface Held {
  readonly server: Server
  readonly waiters: Set<{ destroy(): void }>
}

/** Undefined while another process holds it. */
function claim(address: string): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const waiters = new Set<{ destroy(): void }>()
    const server = createServer((socket) => {
      waiters.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => waiters.delete(socket))
      socket.unref().resume()
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve({ server, waiters })
    })
  })
}

/** The holder keeps our connection open as long as it holds the lock. */
function holderGone(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(address)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve())
    socket.resume()
  })
}

function release(held: Held): Promise<void> {
  return new Promise((resolve) => {
    held.server.close(() => resolve())
    for (const socket of held.waiters) socket.destroy()
  })
}
