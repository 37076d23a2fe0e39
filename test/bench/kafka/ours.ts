// Usage: ours.ts WORK URL TOPIC RECORDS BYTES. One piece of work through the whole stack; prints JSON lines.
import { connect } from '../../../src/index.ts'
import { runOurs } from '../ours.ts'
import { readingsTopic } from '../readings.ts'
import { RATE, sideArguments } from './side-arguments.ts'

const { work, url, topic: name, records, bytes } = sideArguments()
const topic = readingsTopic(name)
await using broker = await connect(url)
await broker.declare(topic)

switch (work) {
  case 'create':
    console.log(JSON.stringify({ created: name }))
    break
  case 'single':
    throw new Error('only a raw client sends one by one')
  default:
    await runOurs(broker, topic, { work, records, bytes, perSecond: RATE })
}
