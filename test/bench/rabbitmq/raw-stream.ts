// Usage: raw-stream.ts URL STREAM_URL TOPIC RECORDS BYTES. The same with rabbitmq-stream-js-client and avsc alone; prints one JSON line.
import avro from 'avsc'
import { connect, Offset } from 'rabbitmq-stream-js-client'
import { murmur3Partition } from '../../../src/backends/rabbitmq/murmur3.ts'
import { measure } from '../measured.ts'
import { PARTITIONS, reading, readings } from '../readings.ts'
import { sideArguments } from './side-arguments.ts'

/** Unconfirmed at most, as our producer. */
const WINDOW = 20_000

const { streamUrl, topic: name, records, bytes } = sideArguments()
const type = avro.Type.forSchema(readings.value as avro.Schema)
const { hostname, port, username, password } = new URL(streamUrl)
const client = await connect({ hostname, port: Number(port), username, password, vhost: '/' })
const streams = Array.from({ length: PARTITIONS }, (_, partition) => `${name}-${partition}`)
await client.createSuperStream({ streamName: name }, undefined, PARTITIONS)

let confirmed = 0
let wake: (() => void) | undefined
const publishers = await Promise.all(
  streams.map(async (stream) => {
    const publisher = await client.declarePublisher({ stream })
    publisher.on('publish_confirm', (_error, ids) => {
      confirmed += ids.length
      wake?.()
    })
    return publisher
  }),
)

const produce = await measure(records, async () => {
  for (let n = 0; n < records; n++) {
    const value = reading(n, bytes)
    const content = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), type.toBuffer(value)])
    const key = Buffer.from(value.sensor)
    const messageProperties = { creationTime: new Date(value.sentAt) }
    const messageAnnotations = { 'x-opt-partition-key': value.sensor }
    await publishers[murmur3Partition(key, PARTITIONS)]?.send(content, { messageProperties, messageAnnotations })
    if (n % 1_000 === 999) await Promise.all(publishers.map((publisher) => publisher.flush()))
    while (n - confirmed > WINDOW) await next()
  }
  await Promise.all(publishers.map((publisher) => publisher.flush()))
  while (confirmed < records) await next()
})
// The client's consumer sometimes stops for ever (1.0.0 on RabbitMQ 4.0.5); what is known by then counts.
console.log(JSON.stringify({ produce }))

let sum = 0
let read = 0
const complete = Promise.withResolvers<void>()
const consume = await measure(records, async () => {
  for (const stream of streams) {
    await client.declareConsumer({ stream, offset: Offset.first() }, ({ content }) => {
      sum += (type.fromBuffer(content.subarray(5)) as { value: number }).value
      if (++read === records) complete.resolve()
    })
  }
  await complete.promise
})
await client.deleteSuperStream({ streamName: name })
await client.close()
console.log(JSON.stringify({ consume, sum }))
process.exit(0)

function next(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve
  })
}
