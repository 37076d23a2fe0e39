// Usage: raw.ts URL TOPIC RECORDS BYTES. The same bytes with kafkajs and avsc alone: idempotent sends of 500 records a
// partition, single sends a hundred at a time, and eachBatch with the same decode; prints one JSON line.
import avro from 'avsc'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { murmur2Partition } from '../../../src/backends/murmur2.ts'
import { benchReading, benchTopic, sideArguments, usage } from './topic.ts'

const { url, topic: name, records, bytes } = sideArguments()
const topic = benchTopic(name)
const PARTITIONS = topic.partitions ?? 1
const BATCH = 500
const SINGLE_SHARE = 20
const CONCURRENT_SENDS = 100
const type = avro.Type.forSchema(topic.value as avro.Schema)
const kafka = new Kafka({ brokers: url.replace('kafka://', '').split(','), logLevel: logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
for (const each of [name, `${name}.single`]) {
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  await admin.createTopics({ topics: [{ topic: each, numPartitions: PARTITIONS, configEntries }] })
}
await admin.disconnect()
const producer = kafka.producer({ idempotent: true })
await producer.connect()

function encode(n: number): Message & { partition: number } {
  const value = benchReading(n, bytes)
  const key = Buffer.from(value.sensor)
  const body = type.toBuffer(value)
  const framed = Buffer.allocUnsafe(5 + body.length)
  framed.writeUInt8(0, 0)
  framed.writeUInt32BE(1, 1)
  body.copy(framed, 5)
  return { key, value: framed, partition: murmur2Partition(key, PARTITIONS), timestamp: String(value.sentAt) }
}

const start = usage()
let begun = performance.now()
const waiting = Array.from({ length: PARTITIONS }, () => [] as Message[])
for (let n = 0; n < records; n++) {
  const message = encode(n)
  const batch = waiting[message.partition]
  batch?.push(message)
  if (batch?.length === BATCH) await flush()
}
await flush()
const produceSeconds = (performance.now() - begun) / 1000
const produced = usage()

/** All partitions' batches in one call, as kafkajs sends them best. */
async function flush(): Promise<void> {
  await producer.send({ topic: name, acks: -1, messages: waiting.flatMap((batch) => batch.splice(0)) })
}

begun = performance.now()
const singles = Math.ceil(records / SINGLE_SHARE)
for (let first = 0; first < singles; first += CONCURRENT_SENDS) {
  const some = Array.from({ length: Math.min(CONCURRENT_SENDS, singles - first) }, (_, i) => encode(first + i))
  await Promise.all(some.map((message) => producer.send({ topic: `${name}.single`, acks: -1, messages: [message] })))
}
const singleSeconds = (performance.now() - begun) / 1000
await producer.disconnect()

const consumer = kafka.consumer({ groupId: name, maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topic: name, fromBeginning: true })
const beforeConsume = usage()
begun = performance.now()
let sum = 0
let handled = 0
const complete = Promise.withResolvers<void>()
await consumer.run({
  eachBatch: ({ batch }) => {
    for (const { value } of batch.messages) {
      sum += (type.fromBuffer((value as Buffer).subarray(5)) as { value: number }).value
      handled++
    }
    if (handled >= records) complete.resolve()
    return Promise.resolve()
  },
})
await complete.promise
const consumeSeconds = (performance.now() - begun) / 1000
const end = usage()
await consumer.disconnect()

const perMillion = (seconds: number) => (seconds / records) * 1e6
console.log(
  JSON.stringify({
    produce: {
      value: records / produceSeconds,
      cpuSecondsPerMillion: perMillion(produced.cpuSeconds - start.cpuSeconds),
      peakMemoryMiB: produced.peakMemoryMiB,
    },
    single: { value: singles / singleSeconds },
    consume: {
      value: records / consumeSeconds,
      cpuSecondsPerMillion: perMillion(end.cpuSeconds - beforeConsume.cpuSeconds),
      peakMemoryMiB: end.peakMemoryMiB,
    },
    sum,
  }),
)
