/** A row of a file as bytes, with its exact place. */
export interface RawRow {
  /** First byte of the row, and of the next one. */
  readonly offset: number
  readonly end: number
  /** The line the row begins on, counted from 1, and the line the next one begins on. */
  readonly line: number
  readonly nextLine: number
  /** Without the line ending. Valid until the next `push`. */
  readonly bytes: Buffer
  /** Why it cannot be a row; the bytes are then its first line. */
  readonly malformed: string | undefined
  /** The file ended before a line ending came. */
  readonly unterminated: boolean
}

export interface SplitOptions {
  /** Where reading begins. */
  readonly offset: number
  readonly line: number
  /** CSV: newlines inside quotes belong to the row (RFC 4180). Absent: every newline ends a row (JSON lines). */
  readonly csv?: { readonly delimiter: string; readonly quote: string }
  /** A longer row is malformed: a quote was opened and never closed, or the file is something else. */
  readonly maxRowBytes: number
}

const LF = 0x0a
const CR = 0x0d
const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const NO_BYTE = -1

type State = 'start' | 'plain' | 'quoted' | 'closed'

/**
 * Splits bytes into rows and knows the exact byte offset of each, whatever the line endings (LF or CRLF), quoted
 * newlines, multi-byte characters or a byte order mark. (csv-parse 7 counts a row behind CRLF as ending between CR and
 * LF, counts lines inside quotes twice, and turns invalid UTF-8 into U+FFFD; so it cannot be resumed from.)
 */
export function createRowSplitter(options: SplitOptions) {
  const delimiter = options.csv?.delimiter.charCodeAt(0) ?? NO_BYTE
  const quote = options.csv?.quote.charCodeAt(0) ?? NO_BYTE
  let buffer: Buffer = Buffer.alloc(0)
  let bufferOffset = options.offset
  /** Within `buffer`: begin of the current row, and what is scanned. */
  let begin = 0
  let next = 0
  let line = options.line
  let newlines = 0
  let state: State = 'start'
  let bomPossible = options.offset === 0

  function row(contentEnd: number, end: number, malformed?: string, unterminated = false): RawRow {
    const trimmed = contentEnd > begin && buffer[contentEnd - 1] === CR ? contentEnd - 1 : contentEnd
    const bytes = buffer.subarray(begin, unterminated ? contentEnd : trimmed)
    const nextLine = line + newlines + (unterminated ? 0 : 1)
    const made = {
      offset: bufferOffset + begin,
      end: bufferOffset + end,
      line,
      nextLine,
      bytes,
      malformed,
      unterminated,
    }
    begin = end
    next = end
    line = nextLine
    newlines = 0
    state = 'start'
    return made
  }

  function scan(rows: RawRow[]): void {
    while (next < buffer.length) {
      const byte = buffer[next]
      if (byte === LF && state !== 'quoted') {
        rows.push(row(next, next + 1))
        continue
      }
      if (byte === LF) newlines++
      if (byte === quote)
        state = state === 'start' || state === 'closed' ? 'quoted' : state === 'quoted' ? 'closed' : 'plain'
      else if (state !== 'quoted')
        state = byte === delimiter ? 'start' : state === 'closed' && byte === CR ? 'closed' : 'plain'
      next++
      if (next - begin > options.maxRowBytes)
        rows.push(firstLine(`longer than ${options.maxRowBytes} bytes${quoteHint()}`))
    }
  }

  const quoteHint = () => (state === 'quoted' ? '; a quote was opened and not closed' : '')

  /** The current row cannot be one: its first line is given up, so that what follows is judged by itself. */
  function firstLine(reason: string): RawRow {
    const at = buffer.indexOf(LF, begin)
    newlines = 0
    return at === -1 ? row(buffer.length, buffer.length, reason, true) : row(at, at + 1, reason)
  }

  function skipBom(): void {
    bomPossible = false
    if (buffer.subarray(0, 3).equals(BOM)) begin = next = 3
  }

  return {
    /** The rows that are complete with these bytes. */
    push(chunk: Buffer): RawRow[] {
      const rest = buffer.subarray(begin)
      bufferOffset += begin
      next -= begin
      begin = 0
      buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const rows: RawRow[] = []
      if (bomPossible && buffer.length < BOM.length) return rows
      if (bomPossible) skipBom()
      scan(rows)
      return rows
    },
    /** What is left at the end of the file: the last row if it has no line ending. */
    end(): RawRow[] {
      const rows: RawRow[] = []
      if (bomPossible) skipBom()
      scan(rows)
      while (begin < buffer.length) {
        if (state !== 'quoted') rows.push(row(buffer.length, buffer.length, undefined, true))
        else {
          rows.push(firstLine('a quote was opened and not closed'))
          scan(rows)
        }
      }
      return rows
    },
    /** Bytes that wait for their line ending. */
    pending: () => buffer.length - begin,
  }
}
