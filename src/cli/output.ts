import { DrawbridgeError } from '../core/errors.ts'
import type { Globals } from './globals.ts'

export interface Output {
  /** A line of results on standard output. Resolves when the reader took it; false once nobody reads any more (`| head`). */
  line(text: string): Promise<boolean>
  /** A result as one JSON line. */
  data(value: unknown): Promise<boolean>
  /** For people, on standard error. */
  note(text: string): void
}

let closed = false
let failure: NodeJS.ErrnoException | undefined
const onClosed = new AbortController()

/** Aborts when whoever reads standard output has gone, or it cannot be written any more. */
export const outputClosed: AbortSignal = onClosed.signal

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') failure ??= error
  closed = true
  onClosed.abort()
})

/** ERR_OUTPUT_FAILED when results were lost on their way out: a full disk, say. That nobody reads any more is no failure. */
export function checkOutput(): void {
  if (failure === undefined) return
  throw new DrawbridgeError(
    'ERR_OUTPUT_FAILED',
    `standard output cannot be written (${failure.message}): what was printed is not complete; make room there and run the command again`,
    { cause: failure },
  )
}

function write(text: string): Promise<boolean> {
  if (closed) return Promise.resolve(false)
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === null || error === undefined))
  })
}

export const output: Output = {
  line: (text) => write(`${text}\n`),
  data: (value) => write(`${JSON.stringify(value)}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
}

/** A list: one JSON line each, or a table for people. */
export async function list(globals: Globals, rows: readonly object[], columns: readonly string[]): Promise<void> {
  if (globals.json) {
    for (const row of rows) await output.data(row)
  } else {
    await printTable(rows, columns)
  }
}

export async function printTable(rows: readonly object[], columns: readonly string[]): Promise<void> {
  for (const text of table(columns, rows)) await output.line(text)
}

/** Aligned columns under their names; numbers to the right. Control characters of foreign data are shown, not sent to the terminal. */
export function table(columns: readonly string[], rows: readonly object[]): readonly string[] {
  const cells = rows.map((row) => columns.map((column) => printable(shown(cellOf(row, column)))))
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const right = columns.map(
    (column) => rows.length > 0 && rows.every((row) => typeof (cellOf(row, column) ?? 0) === 'number'),
  )
  return [[...columns], ...cells].map((row) =>
    row
      .map((cell, index) =>
        right[index] === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

function cellOf(row: object, column: string): unknown {
  return (row as Readonly<Record<string, unknown>>)[column]
}

/** The text with control characters written as escapes. */
export function printable(text: string): string {
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export function flushOutput(): Promise<boolean> {
  return write('')
}

/** Ends the process now: everything is written and closed, and a library's idle handle must not hold it. */
export function endProcess(exitCode: number): void {
  process.exit(exitCode)
}
