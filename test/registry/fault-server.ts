import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

/** A real HTTP server that answers as a test tells it to. */
export interface FaultServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
  readonly seen: readonly SeenRequest[]
}

/** What is done with the n-th request, counted from 1. */
export type Behaviour = (response: ServerResponse, n: number, request: SeenRequest) => void

export async function openFaultServer(
  behave: Behaviour,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FaultServer> {
  const seen: SeenRequest[] = []
  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    const { authorization } = request.headers
    const one = { method, path: url, authorization, body: await text(request) }
    seen.push(one)
    behave(response, seen.length, one)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void onRequest(request, response).catch(() => response.destroy())
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body))
}

export function dialectError(response: ServerResponse, errorCode: number, message = 'said the server'): void {
  json(response, errorCode > 999 ? Math.floor(errorCode / 100) : errorCode, { error_code: errorCode, message })
}
