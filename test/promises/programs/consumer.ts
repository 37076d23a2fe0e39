// Usage: consumer.ts BROKER GROUP EFFECTS. Writes a line for every record handled to the file EFFECTS: the outside effect.
// Says {"joined": true} once and {"stopped": true} after SIGTERM.
import { openSync, writeSync } from 'node:fs'
import { connect } from '../../../src/index.ts'
import { ticks } from './topic.ts'

const [url = '', group = '', effects = ''] = process.argv.slice(2)
const file = openSync(effects, 'a')
const broker = await connect(url)
const subscription = await broker.subscribe(ticks, { group, concurrency: 8 }, async (message) => {
  // Lets several keys be in hand at once, as a handler that talks to the outside does.
  await new Promise((resolve) => setImmediate(resolve))
  const { key, count } = message.value
  writeSync(file, `${process.hrtime.bigint()} ${process.pid} ${message.partition} ${message.offset} ${key} ${count}\n`)
})
process.on('SIGTERM', () => {
  void subscription.stop().then(async () => {
    await broker.close()
    console.log(JSON.stringify({ stopped: true }))
  })
})
console.log(JSON.stringify({ joined: true }))
await subscription.done
