// Usage: raw-amqp.ts URL STREAM_URL TOPIC RECORDS BYTES. The same on one stream with amqplib and avsc alone: confirms, prefetch 1000; prints one JSON line.
import amqp from 'amqplib'
import avro from 'avsc'
import { measure } from '../measured.ts'
import { reading, readings } from '../readings.ts'
import { sideArguments } from './side-arguments.ts'

const WINDOW = 1_000

const { url, topic: name, records, bytes } = sideArguments()
const type = avro.Type.forSchema(readings.value as avro.Schema)
const connection = await amqp.connect(url, { noDelay: true })
const producer = await connection.createConfirmChannel()
await producer.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream' } })

const produce = await measure(records, async () => {
  for (let n = 0; n < records; n++) {
    const value = reading(n, bytes)
    const content = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), type.toBuffer(value)])
    producer.sendToQueue(name, content, { headers: { 'x-opt-partition-key': value.sensor } })
    if (n % WINDOW === WINDOW - 1) await producer.waitForConfirms()
  }
  await producer.waitForConfirms()
})
let sum = 0
let read = 0
const complete = Promise.withResolvers<void>()
const consumer = await connection.createChannel()
await consumer.prefetch(1_000)
const consume = await measure(records, async () => {
  await consumer.consume(
    name,
    (message) => {
      if (message === null) return
      sum += (type.fromBuffer(message.content.subarray(5)) as { value: number }).value
      consumer.ack(message)
      if (++read === records) complete.resolve()
    },
    { arguments: { 'x-stream-offset': 'first' } },
  )
  await complete.promise
})
await producer.deleteQueue(name)
await connection.close()
console.log(JSON.stringify({ produce, consume, sum }))
