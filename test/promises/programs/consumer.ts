// Usage: consumer.ts BROKER GROUP JOURNAL OPTIONS. Notes down every record handled: the outside effect. Says {"joined": true} once and
// {"stopped": true} after SIGTERM. For a line `die N` on standard input it kills itself right after the Nth effect from there.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../../src/index.ts'
import { nowMicros, openJournal } from '../../kit/journal.ts'
import { createTicks } from './topic.ts'

export interface ConsumerOptions {
  /** Default `test.ticks`. */
  readonly topic?: string
  /** Default 8. */
  readonly concurrency?: number
  /** How long a handler takes; default: a turn of the event loop. */
  readonly handlerMs?: number
}

const [url = '', group = '', path = '', options = '{}'] = process.argv.slice(2)
const { topic = 'test.ticks', concurrency = 8, handlerMs } = JSON.parse(options) as ConsumerOptions
const journal = openJournal(path)
let deadline = Number.POSITIVE_INFINITY
let handled = 0
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, count] = line.split(' ')
  if (verb === 'die') deadline = handled + Number(count)
})

const broker = await connect(url)
const subscription = await broker.subscribe(createTicks(topic), { group, concurrency }, async (message) => {
  const begunAt = nowMicros()
  // Lets several keys be in hand at once, as a handler that talks to the outside does.
  await (handlerMs === undefined ? new Promise(setImmediate) : sleep(handlerMs))
  const { source, number, key } = message.value
  journal.handled({ begunAt, partition: message.partition, offset: message.offset, source, number, key })
  if (++handled >= deadline) {
    journal.disturbed()
    process.kill(process.pid, 'SIGKILL')
  }
})
process.on('SIGTERM', () => {
  void subscription.stop().then(async () => {
    await broker.close()
    process.stdin.destroy()
    console.log(JSON.stringify({ stopped: true }))
  })
})
console.log(JSON.stringify({ joined: true }))
await subscription.done
