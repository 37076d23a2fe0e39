// Usage: ours.ts WORK URL TOPIC RECORDS BYTES. One piece of work through the whole stack; prints JSON lines.
import { connect } from '../../../src/index.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { createOurWork } from '../ours.ts'
import { reading, readingsTopic } from '../readings.ts'
import { RATE, sideArguments } from './side-arguments.ts'

const { work, url, topic: name, records, bytes } = sideArguments()
const topic = readingsTopic(name)
await using broker = await connect(url)
await broker.declare(topic)

switch (work) {
  case 'create':
    console.log(JSON.stringify({ created: name }))
    break
  case 'send': {
    await using producer = broker.producer(topic)
    await openLoop(records, RATE, async (n, dueAt) => {
      await producer.send(reading(n, bytes, dueAt))
    })
    break
  }
  case 'receive':
    await receive()
    break
  case 'produce':
  case 'consume':
  case 'replay':
    console.log(JSON.stringify(await createOurWork(broker, topic, { records, bytes })[work]()))
    break
  case 'single':
    throw new Error('only a raw client sends one by one')
}

async function receive(): Promise<void> {
  const latencies: number[] = []
  const complete = Promise.withResolvers<void>()
  const subscription = await broker.subscribe(topic, { group: name }, (message) => {
    latencies.push(nowMicros() - message.value.sentAt)
    if (latencies.length === records) complete.resolve()
  })
  console.log(JSON.stringify({ ready: true }))
  await complete.promise
  await subscription.stop()
  reportLatencies(latencies)
}
