// Usage: ours.ts URL STREAM_URL TOPIC RECORDS BYTES. Produces, consumes and replays through the whole stack; prints one JSON line.
import { connect } from '../../../src/index.ts'
import { createOurWork } from '../ours.ts'
import { readingsTopic } from '../readings.ts'
import { sideArguments } from './side-arguments.ts'

const { url, topic: name, records, bytes } = sideArguments()
const topic = readingsTopic(name)
await using broker = await connect(url)
await broker.declare(topic)
const work = createOurWork(broker, topic, { records, bytes })
const produce = await work.produce()
const consume = await work.consume()
const replay = await work.replay()
await broker.topics.delete(name)
console.log(JSON.stringify({ produce, consume, replay }))
