// Usage: latency-ours.ts send|receive DIRECTORY RECORDS RATE. One end of the open-loop latency run, through the whole stack.
import { connect } from '../../../src/index.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { reading, readings } from '../readings.ts'

const [role = '', directory = '', count = '0', rate = '1000'] = process.argv.slice(2)
const records = Number(count)
await using broker = await connect(`embedded:${directory}`)
await broker.declare(readings)

if (role === 'send') {
  await using producer = broker.producer(readings)
  await openLoop(records, Number(rate), async (n, dueAt) => {
    await producer.send(reading(n, undefined, dueAt))
  })
} else {
  const latencies: number[] = []
  const complete = Promise.withResolvers<void>()
  const subscription = await broker.subscribe(readings, { group: 'latency' }, (message) => {
    latencies.push(nowMicros() - message.value.sentAt)
    if (latencies.length === records) complete.resolve()
  })
  console.log(JSON.stringify({ ready: true }))
  await complete.promise
  await subscription.stop()
  reportLatencies(latencies)
}
