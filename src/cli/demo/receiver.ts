import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SCHEMES } from '../../../connectors/webhook-source/verify.ts'

/** A third party's webhook endpoint, as the demo plays it: it checks the signature and remembers what came. */
export interface Receiver {
  readonly url: string
  /** All accepted posts. */
  deliveries(): number
  /** `data` of each accepted post by its webhook-id: a repeated one stands once. */
  readonly received: ReadonlyMap<string, unknown>
  /** Calls back after every accepted post. */
  onDelivery(listener: () => void): void
  close(): Promise<void>
}

export async function openReceiver(secret: string): Promise<Receiver> {
  const received = new Map<string, unknown>()
  let deliveries = 0
  let listener = (): void => undefined
  const verify = SCHEMES['standard-webhooks']([secret], () => Math.floor(Date.now() / 1000))

  async function accept(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const verified = verify(request.headers, body)
    if ('refusal' in verified) {
      response.writeHead(verified.status).end(verified.refusal)
      return
    }
    deliveries++
    received.set(verified.id, (JSON.parse(body.toString('utf8')) as { data: unknown }).data)
    response.writeHead(204).end()
    listener()
  }

  const server = createServer((request, response) => {
    accept(request, response).catch(() => {
      response.writeHead(400).end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/airports`,
    deliveries: () => deliveries,
    received,
    onDelivery(next) {
      listener = next
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
