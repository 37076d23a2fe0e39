import { mkdir } from 'node:fs/promises'
import type { Connector, ConnectorContext } from '../../src/connect/connector.ts'
import { runSubscription } from '../../src/connect/run-subscription.ts'
import { DrawbridgeError, errorText } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { type FileSinkConfig, fileSinkConfig } from './config.ts'
import { createRowEncoder } from './encode.ts'
import { type FilePlace, fileName, type Range, readLedger, removeParts, uncovered } from './ledger.ts'
import { writeFileWhole } from './write-file.ts'

export const fileSink: Connector<FileSinkConfig> = {
  type: 'file-sink',
  kind: 'sink',
  summary: 'Records become CSV or JSON lines files, each written aside and then renamed; no row is written twice.',
  config: fileSinkConfig,
  copies: 'many',
  run: runFileSink,
}

/** A full disk or a missing right is never a record's fault: no letter, tried again for ever. */
const ENDLESS = {
  attempts: Number.POSITIVE_INFINITY,
  maxRetryMs: Number.POSITIVE_INFINITY,
  minDelayMs: 500,
  maxDelayMs: 30_000,
}

async function runFileSink(config: FileSinkConfig, context: ConnectorContext): Promise<void> {
  const { broker, topic, name, log, signal, count } = context
  const { directory, format } = config
  const encoder = createRowEncoder(topic, config)
  const { incarnation } = await broker.topics.describe(topic.name)
  const place: FilePlace = { topic: topic.name, incarnation, format }
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw endpointError(directory, error)
  })
  const removed = await removeParts(directory, place)
  if (removed > 0) log.info({ directory, removed }, 'removed part files of an earlier run')
  /** By partition: where this copy's last batch ended, and the files beyond. A batch that begins elsewhere is the first, or one that came again. */
  const known = new Map<number, { readonly end: number; readonly written: readonly Range[] }>()

  async function write(messages: readonly Message<unknown>[], batchSignal: AbortSignal): Promise<void> {
    const [first, last] = [messages[0], messages.at(-1)]
    if (first === undefined || last === undefined) return
    const { partition } = first
    const before = known.get(partition)
    known.delete(partition)
    const written =
      before?.end === first.offset ? before.written : ((await readLedger(directory, place)).get(partition) ?? [])
    const runs = uncovered(messages, written)
    const fresh = runs.reduce((sum, run) => sum + run.length, 0)
    if (fresh < messages.length) count('rows_skipped_total', messages.length - fresh)
    for (const run of runs) {
      const range: Range = { from: run[0]?.offset ?? 0, to: (run.at(-1)?.offset ?? 0) + 1 }
      await writeFileWhole(directory, fileName(place, partition, range), lines(run), batchSignal)
      count('rows_total', run.length)
      count('files_total')
    }
    const end = last.offset + 1
    known.set(partition, { end, written: written.filter(({ to }) => to > end) })
  }

  function* lines(messages: readonly Message<unknown>[]): Generator<string> {
    if (encoder.header !== '') yield encoder.header
    for (const message of messages) yield encoder.row(message.value)
  }

  const subscription = await broker.subscribeBatches(
    topic,
    {
      group: name,
      from: context.from,
      retry: ENDLESS,
      drainTimeoutMs: context.drainTimeoutMs,
      maxBatchRecords: config.maxRows,
      maxBatchBytes: config.maxBytes,
      maxBatchWaitMs: config.maxWaitMs,
    },
    async (messages, batchSignal) => {
      try {
        await write(messages, batchSignal)
      } catch (error) {
        if (batchSignal.aborted) throw error
        if (!isSystemError(error)) throw unexpected(error)
        const { partition, offset } = messages[0] as Message<unknown>
        count('write_failures_total')
        log.warn(
          {
            directory,
            partition,
            offset,
            records: messages.length,
            attempt: messages[0]?.attempt,
            error: errorText(error),
          },
          'a file could not be written; its batch is tried again for ever, its position stays',
        )
        throw endpointError(directory, error)
      }
    },
  )
  await runSubscription(subscription, signal)
}

function endpointError(directory: string, error: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_ENDPOINT',
    `cannot write in ${directory}: ${errorText(error)}; make room or give the right to write, it is tried again`,
    { cause: error, details: { directory } },
  )
}

/** The disk's fault or the folder's, so worth another try; anything else would only come again. */
function isSystemError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown } | null)?.syscall === 'string'
}

function unexpected(error: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONNECTOR_FAILED',
    `a batch cannot be written as rows: ${errorText(error)}; its position stays, start again when the cause is mended`,
    { cause: error },
  )
}
