// Usage: ours.ts DIRECTORY RECORDS. Produces, consumes and replays through the whole stack; prints one JSON line.
import { connect } from '../../../src/index.ts'
import { createOurWork } from '../ours.ts'
import { readings } from '../readings.ts'

const [directory = '', records = '0'] = process.argv.slice(2)
await using broker = await connect(`embedded:${directory}`)
await broker.declare(readings)
const work = createOurWork(broker, readings, { records: Number(records) })
const produce = await work.produce()
const consume = await work.consume()
const replay = await work.replay()
console.log(JSON.stringify({ produce, consume, replay }))
