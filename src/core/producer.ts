import { type AppendQueue, createAppendQueue } from './append-queue.ts'
import type { Backend } from './backend.ts'
import type { Producer, ProducerOptions, Receipt, SendOptions } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import { encodeRecord } from './encode-record.ts'
import { DrawbridgeError } from './errors.ts'
import { wholeNumber } from './options.ts'
import type { Topic } from './topic.ts'
import { createWakeup } from './wait.ts'

export interface ProducerParts<T> {
  readonly backend: Backend
  readonly topic: Topic<T>
  readonly clock: Clock
  readonly options: ProducerOptions
  /** Looks up what sending needs; a failure is every waiting send's failure, and the next send tries again. */
  prepare(): Promise<{ readonly codec: Codec<T>; readonly partitions: number }>
}

interface Prepared<T> {
  readonly codec: Codec<T>
  /** One for each partition; grows when the topic is widened. */
  readonly queues: AppendQueue[]
  /** When the topic was last looked at, as `clock.elapsed` counts. */
  lookedAt: number
}

/** How often a producer that sends looks whether its topic was widened, milliseconds. */
const LOOK_MS = 15_000

export function createProducer<T>(parts: ProducerParts<T>): Producer<T> {
  const { backend, topic, clock, options } = parts
  const lingerMs = wholeNumber('lingerMs', options.lingerMs, 0, 0, 60_000)
  const maxBatchRecords = wholeNumber('maxBatchRecords', options.maxBatchRecords, 1_000, 1, 10_000)
  const maxBufferedRecords = wholeNumber('maxBufferedRecords', options.maxBufferedRecords, 20_000, 1)
  const maxBufferedBytes = wholeNumber('maxBufferedBytes', options.maxBufferedBytes, 64 * 1_048_576, 1)
  const settled = createWakeup()
  let bufferedRecords = 0
  let bufferedBytes = 0
  /** Sends that wait for `prepare`. */
  let entering = 0
  let closed = false
  let prepared: Prepared<T> | undefined
  let preparing: Promise<Prepared<T>> | undefined
  let keylessPartition = 0

  function onSettled(records: number, bytes: number): void {
    bufferedRecords -= records
    bufferedBytes -= bytes
    if (prepared !== undefined) keylessPartition = Math.floor(Math.random() * prepared.queues.length)
    settled.wake()
  }

  function prepare(): Promise<Prepared<T>> {
    preparing ??= parts.prepare().then(
      ({ codec, partitions }) => {
        prepared = { codec, queues: [], lookedAt: clock.elapsed() }
        widen(prepared, partitions)
        keylessPartition = Math.floor(Math.random() * partitions)
        return prepared
      },
      (error: unknown) => {
        preparing = undefined
        throw error
      },
    )
    return preparing
  }

  function widen({ queues }: Prepared<T>, partitions: number): void {
    for (let partition = queues.length; partition < partitions; partition++) {
      queues.push(
        createAppendQueue({ backend, topic: topic.name, partition, clock, lingerMs, maxBatchRecords, onSettled }),
      )
    }
  }

  /** In the background: sends go on meanwhile, and a look that fails is made again. */
  function lookForWidening(ready: Prepared<T>): void {
    if (clock.elapsed() - ready.lookedAt < LOOK_MS) return
    ready.lookedAt = clock.elapsed()
    backend.describeTopic(topic.name).then(
      ({ partitions }) => widen(ready, partitions),
      // The topic's own sends say what is wrong with it.
      () => undefined,
    )
  }

  function checkOpen(): void {
    if (!closed) return
    throw new DrawbridgeError('ERR_CLOSED', `the producer of topic ${topic.name} is closed; open another one`, {
      details: { topic: topic.name, outcome: 'not-written' },
    })
  }

  function choosePartition(key: Buffer | null, asked: number | undefined, partitions: number): number {
    if (asked === undefined) return key === null ? keylessPartition : backend.partitionFor(key, partitions)
    if (!Number.isInteger(asked) || asked < 0 || asked >= partitions) {
      throw new DrawbridgeError('ERR_CONFIG', `topic ${topic.name} has partitions 0 to ${partitions - 1}, not ${asked}`)
    }
    return asked
  }

  function enqueue(ready: Prepared<T>, value: T, given: SendOptions): Promise<Receipt> {
    const { codec, queues } = ready
    lookForWidening(ready)
    const key = given.key !== undefined ? given.key : (topic.key?.(value) ?? null)
    const { record, bytes } = encodeRecord(topic.name, codec.encode(value), key, given, clock.now())
    const partition = choosePartition(record.key, given.partition, queues.length)
    if (bufferedRecords >= maxBufferedRecords || bufferedBytes + bytes > Math.max(maxBufferedBytes, bytes)) {
      throw new DrawbridgeError(
        'ERR_BUFFER_FULL',
        `topic ${topic.name}: ${bufferedRecords} records (${bufferedBytes} bytes) are waiting for the broker; await earlier sends, or use sendAll, which waits by itself`,
        { details: { topic: topic.name, outcome: 'not-written' } },
      )
    }
    bufferedRecords++
    bufferedBytes += bytes
    return new Promise((resolve, reject) => {
      queues[partition]?.add({ record, bytes, resolve, reject })
    })
  }

  async function send(value: T, given: SendOptions = {}): Promise<Receipt> {
    checkOpen()
    if (prepared !== undefined) return enqueue(prepared, value, given)
    entering++
    try {
      // Sends made before `prepared` is set continue in the order of their calls, ahead of any later one.
      return enqueue(await prepare(), value, given)
    } finally {
      entering--
      settled.wake()
    }
  }

  async function flush(): Promise<void> {
    while (entering > 0 || bufferedRecords > 0) {
      for (const queue of prepared?.queues ?? []) queue.hurry()
      await settled.wait()
    }
  }

  async function sendAll(values: Iterable<T> | AsyncIterable<T>): Promise<number> {
    checkOpen()
    const ready = prepared ?? (await prepare())
    const roomRecords = Math.ceil(maxBufferedRecords / 2)
    const roomBytes = Math.ceil(maxBufferedBytes / 2)
    let failure: { readonly error: unknown } | undefined
    let sent = 0
    const onFailed = (error: unknown) => {
      failure ??= { error }
    }
    for await (const value of batchesOf(values)) {
      for (const one of value) {
        while (failure === undefined && (bufferedRecords >= roomRecords || bufferedBytes >= roomBytes))
          await settled.wait()
        if (failure !== undefined) break
        try {
          checkOpen()
          enqueue(ready, one, {}).catch(onFailed)
          sent++
        } catch (error) {
          onFailed(error)
        }
      }
      if (failure !== undefined) break
    }
    await flush()
    if (failure !== undefined) throw failure.error
    return sent
  }

  async function close(): Promise<void> {
    closed = true
    await flush()
  }

  return { send, sendAll, flush, close, [Symbol.asyncDispose]: close }
}

/** An array or other plain iterable is one run, so that it costs no promise per value. */
async function* batchesOf<T>(values: Iterable<T> | AsyncIterable<T>): AsyncIterable<Iterable<T>> {
  if (Symbol.iterator in values) yield values
  else for await (const value of values) yield [value]
}
