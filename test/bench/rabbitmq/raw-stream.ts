// Usage: raw-stream.ts WORK URL STREAM_URL TOPIC RECORDS BYTES. The same with rabbitmq-stream-js-client and avsc alone; prints JSON lines.
import { connect, Offset } from 'rabbitmq-stream-js-client'
import { creditsOnChunkCompleted } from 'rabbitmq-stream-js-client/dist/consumer_credit_policy.js'
import { murmur3Partition } from '../../../src/backends/rabbitmq/murmur3.ts'
import { measure } from '../measured.ts'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { decodeReading, encodeReading } from '../raw-reading.ts'
import { PARTITIONS } from '../readings.ts'
import { RATE, sideArguments, WINDOW } from './side-arguments.ts'

/** It is quicker with these than with its default of one. */
const CHUNKS_AHEAD = 10

const { work, streamUrl, topic, records, bytes } = sideArguments()
/** As our producer; less work for it than its default of 100. A frame of it is 1 MiB at most, and it dies of more. */
const chunkRecords = Math.min(1_000, Math.floor(600_000 / bytes))
const { hostname, port, username, password } = new URL(streamUrl)
const client = await connect({ hostname, port: Number(port), username, password, vhost: '/' })
const streams = Array.from({ length: PARTITIONS }, (_, partition) => `${topic}-${partition}`)

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
  const { send, confirmed } = await openPublishers()
  if (work === 'send') {
    await openLoop(records, RATE, send)
    await confirmed(records)
  } else {
    const produce = async () => {
      for (let n = 0; n < records; n++) {
        await send(n)
        if (n % chunkRecords === 0) await confirmed(n - WINDOW)
      }
      await confirmed(records)
    }
    console.log(JSON.stringify(await measure(records, produce)))
  }
}
// It does not close by itself.
process.exit(0)

async function openPublishers() {
  let count = 0
  let wake: (() => void) | undefined
  const publishers = await Promise.all(
    streams.map(async (stream) => {
      const publisher = await client.declarePublisher({ stream, maxChunkLength: chunkRecords })
      publisher.on('publish_confirm', (_error, ids) => {
        count += ids.length
        wake?.()
      })
      return publisher
    }),
  )
  return {
    async send(n: number, dueAt?: number): Promise<void> {
      const { key, value, timestamp } = encodeReading(n, bytes, dueAt)
      await publishers[murmur3Partition(key, PARTITIONS)]?.send(value, {
        messageProperties: { creationTime: new Date(timestamp) },
        messageAnnotations: { 'x-opt-partition-key': key.toString() },
      })
    },
    /** Resolves when so many are confirmed. */
    async confirmed(wanted: number): Promise<void> {
      while (count < wanted) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

async function readAll(take: (value: Buffer) => void, onReady?: () => void): Promise<void> {
  const complete = Promise.withResolvers<void>()
  let read = 0
  const creditPolicy = creditsOnChunkCompleted(CHUNKS_AHEAD, 1)
  for (const stream of streams) {
    await client.declareConsumer({ stream, offset: Offset.first(), creditPolicy }, ({ content }) => {
      take(content)
      if (++read === records) complete.resolve()
    })
  }
  onReady?.()
  await complete.promise
}
