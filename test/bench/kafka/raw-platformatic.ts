// Usage: raw-platformatic.ts WORK URL TOPIC RECORDS BYTES. The same with @platformatic/kafka and avsc alone; prints JSON lines.
import { Consumer, type MessageToProduce, ProduceAcks, Producer } from '@platformatic/kafka'
import { measure } from '../measured.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { decodeReading } from '../raw-reading.ts'
import { batchesOf, encodeRecord, type RawRecord, sendSingles } from './raw-records.ts'
import { RATE, sideArguments } from './side-arguments.ts'

const { work, brokers: bootstrapBrokers, topic, records, bytes } = sideArguments()
const clientId = 'bench'
const toMessage = (record: RawRecord): MessageToProduce => ({ ...record, topic, timestamp: BigInt(record.timestamp) })

if (work === 'consume' || work === 'receive') {
  const consumer = new Consumer({ clientId, bootstrapBrokers, groupId: `bench-${process.pid}` })
  if (work === 'consume') {
    let sum = 0
    const run = () => readAll(consumer, (value) => (sum += decodeReading(value).value))
    console.log(JSON.stringify({ ...(await measure(records, run)), sum }))
  } else {
    const latencies: number[] = []
    const take = (value: Buffer) => latencies.push(nowMicros() - decodeReading(value).sentAt)
    await readAll(consumer, take, () => console.log(JSON.stringify({ ready: true })))
    reportLatencies(latencies)
  }
  await consumer.close(true)
} else {
  const producer = new Producer({ clientId, bootstrapBrokers, idempotent: true, acks: ProduceAcks.ALL })
  const send = (messages: MessageToProduce[]) => producer.send({ messages })
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
  await producer.close()
}

async function readAll(consumer: Consumer, take: (value: Buffer) => void, onReady?: () => void): Promise<void> {
  const complete = Promise.withResolvers<void>()
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'earliest',
    autocommit: 100,
    maxWaitTime: 100,
    highWaterMark: 8_192,
  })
  let handled = 0
  stream.on('error', complete.reject)
  stream.on('data', ({ value }) => {
    take(value)
    if (++handled === records) complete.resolve()
  })
  onReady?.()
  await complete.promise
}
