// Usage: raw-amqp.ts WORK URL STREAM_URL TOPIC RECORDS BYTES. The same with amqplib and avsc alone, on the first partition's stream; prints JSON lines.
import amqp from 'amqplib'
import { measure } from '../measured.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { decodeReading, encodeReading } from '../raw-reading.ts'
import { RATE, sideArguments, WINDOW } from './side-arguments.ts'

const PREFETCH = 1_000

const { work, url, topic, records, bytes } = sideArguments()
const stream = `${topic}-0`
const connection = await amqp.connect(url, { noDelay: true })

if (work === 'consume') {
  let sum = 0
  const run = () => readAll((value) => (sum += decodeReading(value).value))
  console.log(JSON.stringify({ ...(await measure(records, run)), sum }))
} else if (work === 'receive') {
  const latencies: number[] = []
  const take = (value: Buffer) => latencies.push(nowMicros() - decodeReading(value).sentAt)
  await readAll(take, () => console.log(JSON.stringify({ ready: true })))
  reportLatencies(latencies)
} else {
  const channel = await connection.createConfirmChannel()
  let confirmed = 0
  let wake: (() => void) | undefined
  const send = (n: number, dueAt?: number) => {
    const { key, value, timestamp } = encodeReading(n, bytes, dueAt)
    const headers = { 'x-opt-partition-key': key.toString() }
    channel.sendToQueue(stream, value, { headers, timestamp: Math.floor(timestamp / 1_000) }, () => {
      confirmed++
      wake?.()
    })
  }
  const until = async (wanted: number) => {
    while (confirmed < wanted) await new Promise<void>((resolve) => (wake = resolve))
  }
  if (work === 'send') {
    await openLoop(records, RATE, async (n, dueAt) => send(n, dueAt))
    await until(records)
  } else {
    const produce = async () => {
      for (let n = 0; n < records; n++) {
        send(n)
        if (n % 1_000 === 0) await until(n - WINDOW)
      }
      await until(records)
    }
    console.log(JSON.stringify(await measure(records, produce)))
  }
}
await connection.close()

async function readAll(take: (value: Buffer) => void, onReady?: () => void): Promise<void> {
  const complete = Promise.withResolvers<void>()
  let read = 0
  const channel = await connection.createChannel()
  await channel.prefetch(PREFETCH)
  const onMessage = (message: amqp.ConsumeMessage | null) => {
    if (message === null || read === records) return
    take(message.content)
    channel.ack(message)
    if (++read === records) complete.resolve()
  }
  await channel.consume(stream, onMessage, { arguments: { 'x-stream-offset': 'first' } })
  onReady?.()
  await complete.promise
}
