// Usage: ours.ts DIRECTORY RECORDS. Produces and consumes through the whole stack; prints one JSON line.
import { connect } from '../../../src/index.ts'
import { reading, readings, usage } from './topic.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const records = Number(count)
await using broker = await connect(`embedded:${directory}`)
await broker.declare(readings)
const producer = broker.producer(readings)

function* values() {
  for (let n = 0; n < records; n++) yield reading(n)
}

const start = usage()
let begun = performance.now()
await producer.sendAll(values())
const produceSeconds = (performance.now() - begun) / 1000
const produced = usage()

begun = performance.now()
let handled = 0
let sum = 0
const complete = Promise.withResolvers<void>()
const subscription = await broker.subscribe(readings, { group: 'bench' }, (message) => {
  sum += message.value.value
  if (++handled === records) complete.resolve()
})
await complete.promise
const consumeSeconds = (performance.now() - begun) / 1000
const consumed = usage()
await subscription.stop()

begun = performance.now()
for await (const message of broker.read(readings, { from: 'earliest', to: 'end' })) sum += message.value.value
const replaySeconds = (performance.now() - begun) / 1000
const end = usage()

const perMillion = (seconds: number) => (seconds / records) * 1e6
console.log(
  JSON.stringify({
    produce: {
      value: records / produceSeconds,
      cpuSecondsPerMillion: perMillion(produced.cpuSeconds - start.cpuSeconds),
      peakMemoryMiB: produced.peakMemoryMiB,
    },
    consume: {
      value: records / consumeSeconds,
      cpuSecondsPerMillion: perMillion(consumed.cpuSeconds - produced.cpuSeconds),
      peakMemoryMiB: consumed.peakMemoryMiB,
    },
    replay: {
      value: records / replaySeconds,
      cpuSecondsPerMillion: perMillion(end.cpuSeconds - consumed.cpuSeconds),
      peakMemoryMiB: end.peakMemoryMiB,
    },
    sum,
  }),
)
