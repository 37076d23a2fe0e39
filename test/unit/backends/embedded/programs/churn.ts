// Appends to a compact topic and compacts it all the while: node churn.ts DIR FROM. Numbers go up from FROM, every eighth is
// a tombstone. Says before and after each batch what it holds. Each pass finds every tombstone of the pass before due.
import { openWriterThread } from '../../../../../src/backends/embedded/writer-thread.ts'
import { TOMBSTONE_MS, compactStore } from '../../../../../src/backends/embedded/compaction.ts'
import { openLmdb } from '../../../../../src/backends/embedded/lmdb.ts'
import { createReadStore } from '../../../../../src/backends/embedded/reading.ts'
import { openBackend } from '../../../../../src/backends/open.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const [dir = '', from = '0'] = process.argv.slice(2)
const backend = await openBackend(`embedded:${dir}`, { log: silentLog })
await backend.createTopic({ name: 't', partitions: 1, compact: true, retentionMs: null, retentionBytes: null })
const writer = await openWriterThread(dir, silentLog, () => undefined)
const read = createReadStore(openLmdb(dir, { readOnly: true }))
let passes = 0

async function keepAppending(): Promise<void> {
  for (let number = Number(from); ; number += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => number + index)
    const records = batch.map((n) => ({
      key: Buffer.from(`key ${(n * 7919) % 331}`),
      value: n % 8 === 0 ? null : Buffer.alloc(4_000, n % 251),
      headers: [['n', Buffer.from(String(n))] as const],
      timestamp: 1,
    }))
    say({ begun: number })
    await backend.append('t', 0, records)
    say({ acknowledged: number, passes })
  }
}

async function keepCompacting(): Promise<void> {
  for (;;) {
    const skew = ++passes * TOMBSTONE_MS * 2
    await compactStore({ read, send: writer.send, skewMs: () => skew, isClosed: () => false })
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

await Promise.all([keepAppending(), keepCompacting()])
