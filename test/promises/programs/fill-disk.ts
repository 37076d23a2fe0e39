// Usage: fill-disk.ts DIRECTORY BYTES. Appends records of this size one by one until the store refuses; says {"full": n}. For
// a line on standard input it appends ten more and says {"end", "acknowledged"}.
import { once } from 'node:events'
import { isDrawbridgeError } from '../../../src/core/errors.ts'
import { openBroker } from '../../../src/open-broker.ts'

const [directory = '', bytes = '0'] = process.argv.slice(2)
const { backend, close } = await openBroker(`embedded:${directory}`)
await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
const record = { key: null, value: Buffer.alloc(Number(bytes), 1), headers: [], timestamp: 0 }

let acknowledged = 0
for (;;) {
  try {
    await backend.append('t', 0, [record])
    acknowledged++
  } catch (error) {
    if (!isDrawbridgeError(error) || error.code !== 'ERR_STORE_FULL') throw error
    console.log(JSON.stringify({ full: acknowledged, outcome: error.details['outcome'] }))
    break
  }
}
await once(process.stdin, 'data')
for (let n = 0; n < 10; n++) {
  await backend.append('t', 0, [record])
  acknowledged++
}
console.log(JSON.stringify({ end: (await backend.describeTopic('t')).ranges[0]?.end, acknowledged }))
await close()
process.stdin.destroy()
