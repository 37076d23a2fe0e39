import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

export interface Address {
  readonly host: string
  readonly port: number
  /** Undefined: no TLS. */
  readonly tls?: ConnectionOptions | undefined
}

/** A connected socket without Nagle's delay. Rejects when it is not there within `timeoutMs`, and when `signal` aborts. */
export function openSocket({ host, port, tls }: Address, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error)
      return
    }
    const name = isIP(host) === 0 ? { servername: host } : {}
    const socket = tls === undefined ? connectTcp({ host, port }) : connectTls({ ...name, ...tls, host, port })
    const settled = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: Error) => {
      settled()
      socket.destroy()
      reject(error)
    }
    const onAbort = () => fail(signal?.reason as Error)
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    signal?.addEventListener('abort', onAbort)
    socket.once('error', fail)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settled()
      socket.off('error', fail)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}
