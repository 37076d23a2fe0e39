import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { DrawbridgeError, errorText } from '../../src/core/errors.ts'
import type { FileSourceConfig } from './config.ts'
import type { DecodeRow, RowDecoders } from './decode.ts'
import { checkUnchanged, type FileState, fingerprints, readAt } from './files.ts'
import { createRowSplitter, type RawRow, type SplitOptions } from './rows.ts'

/** Read from the disk at once, and held in memory at most once more for a row that spans it. */
const CHUNK_BYTES = 262_144

export interface ReadFileOptions {
  readonly file: string
  readonly config: FileSourceConfig
  readonly from: FileState | undefined
  readonly decoders: RowDecoders
  readonly signal: AbortSignal
  /** Takes a row; the next one is read when it resolves. */
  take(row: RawRow, decode: DecodeRow): Promise<void>
}

export interface FileRead {
  /** For the checkpoint: how the file stands when everything before the row’s end is acknowledged. */
  stateAfter(row: RawRow): Promise<FileState>
  close(): Promise<void>
}

/** Opens a file to read on from `from`. ERR_SOURCE_INPUT when it is not the file it was. */
export async function openFile(options: ReadFileOptions): Promise<FileRead & { run(): Promise<void> }> {
  const { file, config, from, decoders, signal } = options
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new DrawbridgeError('ERR_SOURCE_INPUT', `${file} cannot be opened: ${errorText(error)}`, {
      cause: error,
      details: { file },
    })
  })
  const csv = config.format === 'csv' ? { csv: { delimiter: config.csv.delimiter, quote: config.csv.quote } } : {}
  const splitAt = (offset: number, line: number): SplitOptions => ({
    offset,
    line,
    maxRowBytes: config.maxRowBytes,
    ...csv,
  })

  /** Rows from a place; the last one without line ending only when `whole`. */
  async function* rows(offset: number, line: number, whole: () => Promise<boolean>): AsyncGenerator<readonly RawRow[]> {
    const splitter = createRowSplitter(splitAt(offset, line))
    for (let position = offset; !signal.aborted; ) {
      const chunk = await readAt(handle, position, CHUNK_BYTES)
      position += chunk.length
      if (chunk.length > 0) yield splitter.push(chunk)
      else {
        if (splitter.pending() > 0 && (await whole())) yield splitter.end()
        return
      }
    }
  }

  async function headerRow(): Promise<RawRow | undefined> {
    for await (const [first] of rows(0, 1, lastLineIsWhole)) if (first !== undefined) return first
    return undefined
  }

  async function lastLineIsWhole(): Promise<boolean> {
    return config.idle === 'exit' || Date.now() - (await handle.stat()).mtimeMs >= config.settleMs
  }

  async function run(): Promise<void> {
    if (from !== undefined) await checkUnchanged(handle, file, from)
    const header = config.format === 'csv' && config.csv.header === 'first-line' ? await headerRow() : undefined
    if (config.format === 'csv' && config.csv.header === 'first-line' && header === undefined) return
    const decode = decoders.open(file, header)
    let offset = from?.offset ?? header?.end ?? 0
    if (from?.unterminated === true) offset += (await lineEndingAt(offset)) ?? 0
    const line = from === undefined ? (header?.nextLine ?? 1) : from.line + (offset > from.offset ? 1 : 0)
    for await (const batch of rows(offset, line, lastLineIsWhole)) {
      for (const row of batch) {
        if (signal.aborted) return
        if (row.bytes.length > 0 || decode.takesBlank) await options.take(row, decode)
      }
    }
  }

  async function lineEndingAt(offset: number): Promise<number | undefined> {
    const next = await readAt(handle, offset, 2)
    return next[0] === 0x0a ? 1 : next[0] === 0x0d ? 2 : undefined
  }

  return {
    run,
    stateAfter: async (row) => ({
      offset: row.end,
      line: row.nextLine,
      unterminated: row.unterminated,
      ...(await fingerprints(handle, row.end)),
    }),
    close: () => handle.close(),
  }
}

export function nameInFolder(file: string): string {
  return basename(file)
}
