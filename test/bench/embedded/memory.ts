// Usage: memory.ts produce|consume|replay DIRECTORY RECORDS. One piece of work in a process of its own, whose memory its parent watches.
import { connect } from '../../../src/index.ts'
import { createOurWork } from '../ours.ts'
import { readings } from '../readings.ts'

const [name = '', directory = '', records = '0'] = process.argv.slice(2)
await using broker = await connect(`embedded:${directory}`)
await broker.declare(readings)
const work = createOurWork(broker, readings, { records: Number(records) })
const run = { produce: work.produce, consume: work.consume, replay: work.replay }[name]
if (run === undefined) throw new Error(`no such work: ${name}`)
console.log(JSON.stringify(await run()))
