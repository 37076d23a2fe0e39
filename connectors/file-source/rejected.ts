import { open } from 'node:fs/promises'
import type { RawRow } from './rows.ts'

export const REJECTED_SUFFIX = '.rejected'

export interface RejectedFile {
  /** Appends the row and its cause, one JSON object a line; on disk when it resolves. A row that stands there already is not written again. */
  add(row: RawRow, cause: string): Promise<void>
  close(): Promise<void>
}

/** Opens `FILE.rejected`, creating it when the first row comes. */
export function openRejectedFile(file: string): RejectedFile {
  let opened: ReturnType<typeof openForAppend> | undefined
  return {
    async add(row, cause) {
      opened ??= openForAppend(file + REJECTED_SUFFIX)
      const { handle, offsets } = await opened
      if (offsets.has(row.offset)) return
      const raw = row.bytes.toString('utf8')
      const content = Buffer.from(raw).equals(row.bytes) ? { raw } : { rawBase64: row.bytes.toString('base64') }
      await handle.appendFile(`${JSON.stringify({ line: row.line, offset: row.offset, cause, ...content })}\n`)
      await handle.sync()
      offsets.add(row.offset)
    },
    async close() {
      await (await opened)?.handle.close()
    },
  }
}

async function openForAppend(path: string) {
  const handle = await open(path, 'a+')
  const content = await handle.readFile('utf8')
  // A crash may have left half a line; what follows begins on its own one.
  if (content !== '' && !content.endsWith('\n')) await handle.appendFile('\n')
  const offsets = new Set(
    content
      .split('\n')
      .flatMap((line) => /^\{"line":\d+,"offset":(\d+),.*\}$/.exec(line)?.[1] ?? [])
      .map(Number),
  )
  return { handle, offsets }
}
