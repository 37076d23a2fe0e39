import { ask, isWholeFrame } from './tcp.ts'

const METADATA = 3
/** The oldest version that names the controller, and the plainest: Kafka 4 still answers it. */
const VERSION = 1

export interface Metadata {
  /** Brokers that are registered and not fenced. */
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  /** -1 while there is none. */
  readonly controller: number
}

/** Asks a Kafka node for the brokers it would send clients to (Metadata request, Kafka protocol guide). */
export async function readMetadata(port: number): Promise<Metadata> {
  return parseMetadata(await ask(port, metadataRequest(), isWholeFrame))
}

export function metadataRequest(): Buffer {
  const client = Buffer.from('drawbridge-brokers')
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + client.length + 4, 0)
  head.writeInt16BE(METADATA, 4)
  head.writeInt16BE(VERSION, 6)
  head.writeInt32BE(1, 8)
  head.writeInt16BE(client.length, 12)
  // No topics, which is an empty list; absent would be all of them.
  return Buffer.concat([head, client, Buffer.alloc(4)])
}

export function parseMetadata(reply: Buffer): Metadata {
  let at = 8
  const int32 = () => {
    at += 4
    return reply.readInt32BE(at - 4)
  }
  const text = () => {
    const length = reply.readInt16BE(at)
    at += 2 + Math.max(0, length)
    return length < 0 ? '' : reply.toString('utf8', at - length, at)
  }
  const brokers = Array.from({ length: int32() }, () => {
    const broker = { id: int32(), host: text(), port: int32() }
    text() // rack
    return broker
  })
  return { brokers, controller: int32() }
}
