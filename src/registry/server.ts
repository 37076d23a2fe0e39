import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import { createServerApp, type ServerAppOptions } from './server-app.ts'

export interface SchemaServerOptions extends ServerAppOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface SchemaServer extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8081`. */
  readonly url: string
  /** Takes nothing new and lets requests in hand finish; those not done within `deadlineMs` (default 10,000) are cut. */
  close(deadlineMs?: number): Promise<void>
}

const REQUEST_TIMEOUT_MS = 30_000
const CLOSE_DEADLINE_MS = 10_000
const MAX_CONNECTIONS = 1_000

/** Serves the registry over HTTP. ERR_CONFIG where it cannot listen. The registry stays the caller's to close. */
export async function openSchemaServer({ host, port, ...options }: SchemaServerOptions): Promise<SchemaServer> {
  const app = createServerApp(options)
  let closing = false
  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }
  const server = createServer(timeouts, (request, response) => {
    // A connection that becomes idle while the server closes would hold it open until its keep-alive ends.
    response.once('close', () => {
      if (closing) setImmediate(() => server.closeIdleConnections())
    })
    app(request, response)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `cannot listen on ${host}:${port}: ${errorText(error)}; free the port or choose another`,
      { cause: error, details: { host, port } },
    )
  }
  const { address, port: taken, family } = server.address() as AddressInfo

  async function close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    if (closing) return
    closing = true
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    const cut = setTimeout(() => server.closeAllConnections(), deadlineMs)
    await closed
    clearTimeout(cut)
  }
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  return { url, close, [Symbol.asyncDispose]: close }
}
