// Usage: ours.ts URL STREAM_URL TOPIC RECORDS BYTES. Produces, consumes and replays through the whole stack; prints one JSON line.
import { connect } from '../../../src/index.ts'
import { benchReading, benchTopic, measured, sideArguments, usage } from './topic.ts'

const { url, topic: name, records, bytes } = sideArguments()
const topic = benchTopic(name)
await using broker = await connect(url)
await broker.declare(topic)
const producer = broker.producer(topic)

function* values() {
  for (let n = 0; n < records; n++) yield benchReading(n, bytes)
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
const subscription = await broker.subscribe(topic, { group: 'bench' }, (message) => {
  sum += message.value.value
  if (++handled === records) complete.resolve()
})
await complete.promise
const consumeSeconds = (performance.now() - begun) / 1000
const consumed = usage()
await subscription.stop()

begun = performance.now()
for await (const message of broker.read(topic, { from: 'earliest', to: 'end' })) sum += message.value.value
const replaySeconds = (performance.now() - begun) / 1000
const end = usage()
await broker.topics.delete(name)

console.log(
  JSON.stringify({
    produce: measured(records, produceSeconds, start, produced),
    consume: measured(records, consumeSeconds, produced, consumed),
    replay: measured(records, replaySeconds, consumed, end),
    sum,
  }),
)
