// Usage: producer.ts BROKER JOURNAL OPTIONS. Notes down what becomes of every send; a source is called as its journal. Says
// {"sending": true} at first, {"sent", "refused"} at the end: after `records`, or after SIGTERM.
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openJournal } from '../../kit/journal.ts'
import { connectPatiently } from './open.ts'
import { createTicks } from './topic.ts'

export interface ProducerOptions {
  /** Default `test.ticks`. */
  readonly topic?: string
  readonly keys: number
  /** Default: until SIGTERM. */
  readonly records?: number
  /** Default: as fast as they are taken. */
  readonly perSecond?: number
}

const [url = '', path = '', options = '{}'] = process.argv.slice(2)
const {
  topic = 'test.ticks',
  keys,
  records = Number.POSITIVE_INFINITY,
  perSecond,
} = JSON.parse(options) as ProducerOptions
/** Sends are begun in runs of this size at most, and no further run while more than ten are unacknowledged. */
const RUN = 100
const TICK_MS = 10

const source = basename(path)
const journal = openJournal(path)
await using broker = await connectPatiently(url)
await using producer = broker.producer(createTicks(topic))
let sent = 0
let waiting = 0
let refused = 0
let stopping = false
process.on('SIGTERM', () => (stopping = true))
console.log(JSON.stringify({ sending: true }))

function send(number: number): void {
  waiting++
  const key = `key-${number % keys}`
  producer.send({ source, number, key, padding: 'x'.repeat(100) }).then(
    (receipt) => {
      waiting--
      journal.acknowledged(number, receipt)
    },
    (error: { details?: { outcome?: unknown } }) => {
      waiting--
      refused++
      journal.refused(number, error.details?.outcome === 'not-written' ? 'not-written' : 'unknown')
    },
  )
}

const begun = performance.now()
while (!stopping && sent < records) {
  const due = perSecond === undefined ? sent + RUN : Math.ceil(((performance.now() - begun) / 1_000) * perSecond)
  const until = Math.min(due, sent + RUN, records)
  journal.began(until)
  while (sent < until) send(sent++)
  await (perSecond === undefined && waiting < 10 * RUN ? new Promise(setImmediate) : sleep(TICK_MS))
  while (waiting >= 10 * RUN) await new Promise(setImmediate)
}
await producer.flush()
console.log(JSON.stringify({ sent, refused }))
