import type { Broker } from '../../src/core/broker.ts'
import type { Measured } from './figure.ts'
import { measure } from './measured.ts'
import { nowMicros, openLoop, reportLatencies } from './open-loop.ts'
import { reading, readingsOf, type readings } from './readings.ts'

/** What is measured of our whole stack, the same on every backend. */
export interface OurWork {
  produce(): Promise<Measured>
  consume(): Promise<Measured>
  replay(): Promise<Measured>
}

/** `produce` sends the readings, the other two expect them in the topic. */
export function createOurWork(
  broker: Broker,
  topic: typeof readings,
  { records, bytes }: { readonly records: number; readonly bytes?: number },
): OurWork {
  let sum = 0
  return {
    produce: () => measure(records, () => broker.producer(topic).sendAll(readingsOf(records, bytes))),
    async consume() {
      const complete = Promise.withResolvers<void>()
      let handled = 0
      const begin = () =>
        broker.subscribe(topic, { group: `bench-${process.pid}` }, (message) => {
          sum += message.value.value
          if (++handled === records) complete.resolve()
        })
      let subscription: Awaited<ReturnType<typeof begin>> | undefined
      const measured = await measure(records, async () => {
        subscription = await begin()
        await complete.promise
      })
      await subscription?.stop()
      return measured
    },
    replay: () =>
      measure(records, async () => {
        for await (const message of broker.read(topic, { from: 'earliest', to: 'end' })) sum += message.value.value
      }),
  }
}

/** One piece of work on the topic; prints JSON lines. */
export async function runOurs(
  broker: Broker,
  topic: typeof readings,
  {
    work,
    records,
    bytes,
    perSecond,
  }: {
    readonly work: 'send' | 'receive' | keyof OurWork
    readonly records: number
    readonly bytes: number
    readonly perSecond: number
  },
): Promise<void> {
  if (work === 'send') await sendOurs(broker, topic, { records, bytes, perSecond })
  else if (work === 'receive') await receiveOurs(broker, topic, records)
  else console.log(JSON.stringify(await createOurWork(broker, topic, { records, bytes })[work]()))
}

/** Sends at a steady rate; each reading bears the time it was due. */
async function sendOurs(
  broker: Broker,
  topic: typeof readings,
  { records, bytes, perSecond }: { readonly records: number; readonly bytes: number; readonly perSecond: number },
): Promise<void> {
  await using producer = broker.producer(topic)
  await openLoop(records, perSecond, async (n, dueAt) => {
    await producer.send(reading(n, bytes, dueAt))
  })
}

/** Prints a line when it is there, and the latencies when it has received all. */
async function receiveOurs(broker: Broker, topic: typeof readings, records: number): Promise<void> {
  const latencies: number[] = []
  const complete = Promise.withResolvers<void>()
  const subscription = await broker.subscribe(topic, { group: topic.name }, (message) => {
    latencies.push(nowMicros() - message.value.sentAt)
    if (latencies.length === records) complete.resolve()
  })
  console.log(JSON.stringify({ ready: true }))
  await complete.promise
  await subscription.stop()
  reportLatencies(latencies)
}
