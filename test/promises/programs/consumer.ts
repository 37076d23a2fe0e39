// Usage: consumer.ts BROKER GROUP JOURNAL OPTIONS. Notes down every record handled: the outside effect. Says {"joined": true} once and
// {"stopped": true} after SIGTERM, or exits 75 where handlers did not finish in time. Says {"begun": n} for its first handlers. For a line `die N` on standard input it kills itself right after the Nth effect from there.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../../src/core/errors.ts'
import type { Message } from '../../../src/index.ts'
import { nowMicros, openJournal } from '../../kit/journal.ts'
import { connectPatiently, patiently } from './open.ts'
import { createTicks } from './topic.ts'

export interface ConsumerOptions {
  /** Default `test.ticks`. */
  readonly topic?: string
  /** Default 8. */
  readonly concurrency?: number
  /** How long a handler takes; default: a turn of the event loop. */
  readonly handlerMs?: number
  readonly drainTimeoutMs?: number
}

const [url = '', group = '', path = '', options = '{}'] = process.argv.slice(2)
const { topic = 'test.ticks', concurrency = 8, handlerMs, ...drain } = JSON.parse(options) as ConsumerOptions
/** Handlers told of. */
const FIRST = 10
const journal = openJournal(path)
let deadline = Number.POSITIVE_INFINITY
let handled = 0
let begun = 0
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, count] = line.split(' ')
  if (verb === 'die') deadline = handled + Number(count)
})

const broker = await connectPatiently(url)
const subscription = await patiently(() =>
  broker.subscribe(createTicks(topic), { group, concurrency, ...drain }, handle),
)

async function handle(message: Message<{ source: string; number: number; key: string }>): Promise<void> {
  const begunAt = nowMicros()
  if (begun++ < FIRST) console.log(JSON.stringify({ begun }))
  // Lets several keys be in hand at once, as a handler that talks to the outside does.
  await (handlerMs === undefined ? new Promise(setImmediate) : sleep(handlerMs))
  const { source, number, key } = message.value
  journal.handled({ begunAt, partition: message.partition, offset: message.offset, source, number, key })
  if (++handled >= deadline) {
    journal.disturbed()
    process.kill(process.pid, 'SIGKILL')
  }
}
process.on('SIGTERM', () => {
  void leave()
})
console.log(JSON.stringify({ joined: true }))
await subscription.done

async function leave(): Promise<void> {
  try {
    await subscription.stop()
    console.log(JSON.stringify({ stopped: true }))
  } catch (error) {
    if (!hasCode(error, 'ERR_DRAIN_DEADLINE')) throw error
    process.exitCode = 75
  }
  await broker.close()
  process.stdin.destroy()
  // A handler that goes on for ever must not hold up the end.
  process.exit()
}
