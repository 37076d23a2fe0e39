import { expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { type CsvField, parseCsvRow } from '../../../../connectors/file-source/csv-fields.ts'
import { createRowSplitter, type RawRow, type SplitOptions } from '../../../../connectors/file-source/rows.ts'

const CSV = { delimiter: ',', quote: '"' }
const whole: SplitOptions = { offset: 0, line: 1, csv: CSV, maxRowBytes: 1_000 }

type Seen = Omit<RawRow, 'bytes'> & { readonly text: string }

function split(bytes: Buffer, chunkBytes: number, options: SplitOptions = whole): Seen[] {
  const splitter = createRowSplitter(options)
  const seen: Seen[] = []
  const note = (rows: readonly RawRow[]) => {
    for (const { bytes: content, ...rest } of rows) seen.push({ ...rest, text: content.toString() })
  }
  for (let at = 0; at < bytes.length; at += chunkBytes) note(splitter.push(bytes.subarray(at, at + chunkBytes)))
  note(splitter.end())
  return seen
}

const AWKWARD = '\ufeffa,b\r\n1,é\r\n"x\r\ny ""q""",日本\n\nlast,1'

test.each([1, 2, 3, 7, 1_000])(
  'offsets and lines are exact over BOM, CRLF, quoted newlines and multi-byte text (chunks of %d)',
  (chunkBytes) => {
    const bytes = Buffer.from(AWKWARD)
    const rows = split(bytes, chunkBytes)
    expect(rows.map((row) => row.text)).toEqual(['a,b', '1,é', '"x\r\ny ""q""",日本', '', 'last,1'])
    expect(rows.map((row) => row.line)).toEqual([1, 2, 3, 5, 6])
    expect(rows.map((row) => row.unterminated)).toEqual([false, false, false, false, true])
    expect(rows[0]?.offset).toBe(3)
    expect(rows.at(-1)?.end).toBe(bytes.length)
    for (const [index, row] of rows.entries()) expect(row.offset).toBe(rows[index - 1]?.end ?? 3)
  },
)

test('reading again from any row’s offset yields the same rest', () => {
  const bytes = Buffer.from(AWKWARD)
  const rows = split(bytes, 1_000)
  for (const [index, row] of rows.entries()) {
    expect(split(bytes.subarray(row.offset), 2, { ...whole, offset: row.offset, line: row.line })).toEqual(
      rows.slice(index),
    )
  }
})

test('a quote that is never closed gives up one line and judges the rest by itself', () => {
  const rows = split(Buffer.from('a,b\n"open,1\n2,3\n4,5'), 3)
  expect(rows.map((row) => [row.line, row.text, row.malformed])).toEqual([
    [1, 'a,b', undefined],
    [2, '"open,1', 'a quote was opened and not closed'],
    [3, '2,3', undefined],
    [4, '4,5', undefined],
  ])
})

test('a row above the limit is malformed, its neighbours are not', () => {
  const rows = split(Buffer.from(`a\n"${'x\n'.repeat(30)}\nb\n`), 5, { ...whole, maxRowBytes: 20 })
  expect(rows[1]?.malformed).toMatch(/longer than 20 bytes; a quote/)
  expect(rows.filter((row) => row.malformed === undefined && row.text === 'x').length).toBe(29)
  expect(rows.at(-1)?.text).toBe('b')
})

test('JSON lines: a quote means nothing to the splitter', () => {
  const rows = split(Buffer.from('{"a":"\\""}\r\n{"b":1}\n'), 4, { offset: 0, line: 1, maxRowBytes: 100 })
  expect(rows.map((row) => row.text)).toEqual(['{"a":"\\""}', '{"b":1}'])
})

const field = fc.string({ unit: fc.constantFrom('a', 'é', '日', '😀', ',', '"', '\n', '\r', ' ', ''), maxLength: 6 })
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const plain = (text: string) => (/[",\n\r]/.test(text) || text === '' ? quoted(text) : text)

test('any table, written and split in any chunks, comes back; csv-parse reads the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      (table, newline, terminated, chunkBytes) => {
        const text = table.map((row) => row.map(plain).join(',')).join(newline) + (terminated ? newline : '')
        const rows = split(Buffer.from(text), chunkBytes)
        const fields = rows.map((row) => (parseCsvRow(row.text, CSV) as readonly CsvField[]).map((one) => one.text))
        expect(fields).toEqual(table)
        expect(parse(text, { relax_column_count: true, record_delimiter: newline })).toEqual(table)
        expect(rows.at(-1)?.end).toBe(Buffer.byteLength(text))
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['"a"b,2', 'text follows the closing quote; a quote inside a field is written twice', 0],
  ['1,"a', 'a quote is opened and not closed', 1],
])('%s is no row', (text, malformed, column) => {
  expect(parseCsvRow(text, CSV)).toEqual({ malformed, column })
})

test('a quote inside a field that does not begin with one stands for itself', () => {
  expect(parseCsvRow('1,6" pipe,"a"', CSV)).toEqual([
    { text: '1', quoted: false },
    { text: '6" pipe', quoted: false },
    { text: 'a', quoted: true },
  ])
})
