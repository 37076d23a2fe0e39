// Usage: flat-memory.ts BROKER RECORDS. Sends and handles so many records of 200 bytes; says {"handled", "peaks"}: highest memory of its own
// in MiB (what it maps of the store's file is the kernel's to keep or drop) within each tenth of the run.
import { readFileSync } from 'node:fs'
import { createTicks } from './topic.ts'
import { connectPatiently } from './open.ts'

const [url = '', total = '0'] = process.argv.slice(2)
const records = Number(total)
const topic = createTicks('test.flat')
await using broker = await connectPatiently(url)
await broker.declare(topic)
const peaks: number[] = []
let handled = 0
const complete = Promise.withResolvers<void>()
await using _ = await broker.subscribe(topic, { group: 'flat', concurrency: 8 }, () => {
  if (++handled % 1_000 === 0) {
    const tenth = Math.min(9, Math.floor((handled / records) * 10))
    peaks[tenth] = Math.max(peaks[tenth] ?? 0, ownMiB())
  }
  if (handled === records) complete.resolve()
})
function* all() {
  for (let number = 0; number < records; number++)
    yield { source: 'flat', number, key: `key-${number % 1_000}`, padding: 'x'.repeat(160) }
}
await using producer = broker.producer(topic)
await producer.sendAll(all())
await complete.promise
console.log(JSON.stringify({ handled, peaks }))

/** RssAnon of proc(5); all resident memory where the system does not tell. */
function ownMiB(): number {
  try {
    const kiB = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    if (kiB !== undefined) return Math.round(Number(kiB) / 1_024)
  } catch {
    // No /proc here.
  }
  return Math.round(process.memoryUsage.rss() / 1_048_576)
}
