import { setTimeout as wait } from 'node:timers/promises'
import { stat } from 'node:fs/promises'
import type { Connector, ConnectorContext } from '../../src/connect/connector.ts'
import { badRow, isRowFault } from './bad-row.ts'
import { type FileSourceConfig, fileSourceConfig } from './config.ts'
import { createRowDecoders, type DecodeRow } from './decode.ts'
import { listFiles } from './files.ts'
import { createProgress } from './progress.ts'
import { nameInFolder, openFile } from './read-file.ts'
import { openRejectedFile } from './rejected.ts'
import type { RawRow } from './rows.ts'
import { createWindow } from './window.ts'

/** Read and not yet acknowledged; well under the producer's own bounds. */
const WINDOW = { maxSteps: 5_000, maxBytes: 16 * 1_048_576 }

export const fileSource: Connector<FileSourceConfig> = {
  type: 'file-source',
  kind: 'source',
  summary: 'Rows of CSV or JSON lines files become records; it resumes where it stopped.',
  config: fileSourceConfig,
  copies: 'one',
  run: runFileSource,
}

async function runFileSource(config: FileSourceConfig, context: ConnectorContext): Promise<void> {
  const { topic, signal, count, log } = context
  const decoders = createRowDecoders(topic, config)
  const producer = context.broker.producer(topic, {
    maxBufferedRecords: 2 * WINDOW.maxSteps,
    maxBufferedBytes: 4 * WINDOW.maxBytes,
  })
  const progress = createProgress({
    initial: context.checkpoint.initial,
    everyRows: config.checkpointRows,
    everyMs: config.checkpointMs,
    save: context.checkpoint.save,
  })
  /** What a file looked like when it was last read to its end. */
  const looked = new Map<string, string>()

  /** True when there was anything new. */
  async function readOne(file: string): Promise<boolean> {
    const stats = await statIfThere(file)
    if (stats === undefined) {
      log.warn({ file }, 'the file vanished before it was looked at; it is read when it comes back')
      return false
    }
    const { size, mtimeMs } = stats
    const look = `${size}:${mtimeMs}`
    const name = nameInFolder(file)
    // A last line that waits to settle changes nothing on the disk: looked at until all is taken.
    if (looked.get(name) === look && progress.of(name)?.offset === size) return false
    const before = progress.of(name)?.offset
    const window = createWindow(WINDOW)
    const rejected = openRejectedFile(file)
    const reading = await openFile({ file, config, from: progress.of(name), decoders, signal, take })

    async function take(row: RawRow, decode: DecodeRow): Promise<void> {
      await window.room()
      if (signal.aborted) return
      const sending = begin(row, decode)
      window.add(row.bytes.length, async () => {
        const failed = await sending
        if (failed !== undefined) await reject(row, failed.error)
        progress.advance(name, () => reading.stateAfter(row))
      })
      await progress.saveIfDue()
    }

    /** Throws where the row stops the source, so that nothing behind it is sent; else resolves, with the error if there is one. */
    function begin(row: RawRow, decode: DecodeRow): Promise<{ readonly error: unknown } | undefined> {
      let value: unknown
      try {
        value = decode.value(row)
      } catch (error) {
        if (config.onBadRow === 'stop') throw error
        return Promise.resolve({ error })
      }
      const options = config.headers
        ? { headers: { 'drawbridge-file': name, 'drawbridge-line': String(row.line) } }
        : undefined
      return producer.send(value, options).then(
        () => {
          count('records_total')
          return undefined
        },
        (error: unknown) => ({ error }),
      )
    }

    async function reject(row: RawRow, error: unknown): Promise<void> {
      if (!isRowFault(error)) throw error
      const fault = error.code === 'ERR_SOURCE_INPUT' ? error : badRow(file, row, error.message)
      if (config.onBadRow === 'stop') throw fault
      await rejected.add(row, fault.message)
      count('rejected_rows_total')
      log.warn({ file, line: row.line, code: error.code }, 'a bad row went to the .rejected file')
    }

    try {
      await reading.run()
    } finally {
      try {
        await window.drained()
      } finally {
        await progress.saveNow()
        await Promise.all([reading.close(), rejected.close()])
      }
    }
    looked.set(name, look)
    return progress.of(name)?.offset !== before
  }

  async function readAll(): Promise<boolean> {
    const files = await listFiles(config.path, config.idle === 'exit' ? 'refuse' : 'wait')
    let news = false
    for (const file of files) {
      if (signal.aborted) return false
      news = (await readOne(file)) || news
    }
    progress.forgetGone(files.map(nameInFolder))
    await progress.saveNow()
    if (!news) log.debug({ files: files.length }, 'everything is read')
    return news
  }

  try {
    while (!signal.aborted) {
      if (await readAll()) continue
      if (config.idle === 'exit') return
      await wait(config.pollMs, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  } finally {
    await producer.close()
  }
}

async function statIfThere(file: string) {
  try {
    return await stat(file)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}
