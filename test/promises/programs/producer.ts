// Usage: producer.ts BROKER RECORDS KEYS. Says {"sent": n} at the end.
import { connect } from '../../../src/index.ts'
import { ticks } from './topic.ts'

const [url = '', records = '0', keys = '1'] = process.argv.slice(2)
await using broker = await connect(url)
await using producer = broker.producer(ticks)

function* all() {
  for (let n = 0; n < Number(records); n++) {
    yield { key: `key-${n % Number(keys)}`, count: Math.floor(n / Number(keys)), padding: 'x'.repeat(100) }
  }
}
console.log(JSON.stringify({ sent: await producer.sendAll(all()) }))
