import { createServer } from 'node:net'

/** Ports stand below those the kernel gives to outgoing connections (32768 and up), and away from every broker's own default. */
const FIRST = 20_000
const PER_SLOT = 100
const SLOTS = 100

/** The port of an offset in a slot. A slot has room for every broker once: the first clone's brokers are all in slot 0. */
export function portAt(slot: number, offset: number): number {
  return FIRST + slot * PER_SLOT + offset
}

/** The first slot that no other state claims and whose ports of these offsets are all free. */
export async function freeSlot(offsets: readonly number[], claimed: ReadonlySet<number>): Promise<number> {
  for (let slot = 0; slot < SLOTS; slot++) {
    if (claimed.has(slot)) continue
    const free = await Promise.all(offsets.map((offset) => isFree(portAt(slot, offset))))
    if (free.every(Boolean)) return slot
  }
  throw new Error(
    `no free ports from ${FIRST} to ${portAt(SLOTS, 0)}; see who listens there (ss -ltn) and end what is not needed`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
