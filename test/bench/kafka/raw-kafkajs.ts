// Usage: raw-kafkajs.ts WORK URL TOPIC RECORDS BYTES. The same with kafkajs and avsc alone; prints JSON lines.
import { Kafka, logLevel, type Message } from 'kafkajs'
import { measure } from '../measured.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { decodeReading } from '../raw-reading.ts'
import { batchesOf, encodeRecord, type RawRecord, sendSingles } from './raw-records.ts'
import { RATE, sideArguments } from './side-arguments.ts'

const { work, brokers, topic, records, bytes } = sideArguments()
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
const toMessage = (record: RawRecord): Message => ({ ...record, timestamp: String(record.timestamp) })

if (work === 'consume' || work === 'receive') {
  const consumer = kafka.consumer({ groupId: `bench-${process.pid}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  if (work === 'consume') {
    let sum = 0
    const run = () => readAll(consumer, (value) => (sum += decodeReading(value).value))
    console.log(JSON.stringify({ ...(await measure(records, run)), sum }))
  } else {
    const latencies: number[] = []
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    const reading = readAll(consumer, (value) => latencies.push(nowMicros() - decodeReading(value).sentAt))
    await joined
    console.log(JSON.stringify({ ready: true }))
    await reading
    reportLatencies(latencies)
  }
  await consumer.disconnect()
} else {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const send = (messages: Message[]) => producer.send({ topic, acks: -1, messages })
  if (work === 'send') {
    await openLoop(records, RATE, async (n, dueAt) => {
      await send([toMessage(encodeRecord(n, bytes, dueAt))])
    })
  } else {
    const produce = async () => {
      if (work === 'single') return sendSingles(records, bytes, (record) => send([toMessage(record)]))
      for (const batch of batchesOf(records, bytes)) await send(batch.map(toMessage))
    }
    console.log(JSON.stringify(await measure(records, produce)))
  }
  await producer.disconnect()
}

async function readAll(consumer: ReturnType<Kafka['consumer']>, take: (value: Buffer) => void): Promise<void> {
  const complete = Promise.withResolvers<void>()
  let handled = 0
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        take(value as Buffer)
        handled++
      }
      if (handled >= records) complete.resolve()
    },
  })
  await complete.promise
}
