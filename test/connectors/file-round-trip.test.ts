import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import { airportSchema, airportsCsv, textSchema } from './kit/airports.ts'
import { createFolder, run } from './kit/run.ts'

const spectrum = fileURLToPath(new URL('../../node_modules/csv-spectrum/csvs', import.meta.url))

type Table = readonly Readonly<Record<string, string>>[]

function readCsv(text: string): Table {
  return parse(text, { columns: true, skip_empty_lines: true, relax_quotes: true }) as Table
}

/** All rows of the sink's files, in the order of the files' names. */
function readOut(folder: string, format: string): string[] {
  return readdirSync(join(folder, 'out'))
    .sort()
    .map((name) => {
      expect(name).toMatch(new RegExp(`^t-[0-9a-f-]+-\\d-\\d{16}-\\d{16}\\.${format}$`))
      return readFileSync(join(folder, 'out', name), 'utf8')
    })
}

function config(rename: Readonly<Record<string, string>>, format: string, partitions: number): string {
  return `name: in
type: file-source
topic: { name: t, schema: schema.avsc, partitions: ${partitions} }
config: { path: in.csv, format: csv, csv: { columns: ${JSON.stringify(rename)} } }
---
name: out
type: file-sink
topic: t
config: { directory: out, format: ${format}, maxRows: 500, maxWaitMs: 200 }
`
}

async function pass(
  csv: string | Buffer,
  schema: object,
  rows: number,
  options: { rename?: Record<string, string>; format?: string; partitions?: number } = {},
): Promise<string[]> {
  const { rename = {}, format = 'csv', partitions = 1 } = options
  const folder = createFolder({ 'in.csv': csv, 'schema.avsc': JSON.stringify(schema) })
  const running = await run(folder, config(rename, format, partitions))
  await running.until('out', ({ counters }) => (counters.rows_total ?? 0) >= rows)
  await running.until('in', ({ state }) => state === 'DONE')
  const result = await running.stop()
  expect(result.exitCode).toBe(0)
  expect(running.status('in').counters.records_total).toBe(rows)
  return readOut(folder.path, format)
}

test('airports.csv comes out of the topic field for field, over three partitions', async () => {
  const source = readCsv(airportsCsv.toString())
  const files = await pass(airportsCsv, airportSchema, source.length, { partitions: 3 })
  const normal = (table: Table) =>
    table
      .map((row) => JSON.stringify({ ...row, latitude: Number(row.latitude), longitude: Number(row.longitude) }))
      .sort()
  expect(files.flatMap((text) => readCsv(text)).length).toBe(3_376)
  expect(normal(files.flatMap((text) => readCsv(text)))).toEqual(normal(source))
})

test('JSON lines hold the same values', async () => {
  const files = await pass(
    'id,n\na,1\nb,2\n',
    {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'n', type: ['null', 'long'] },
      ],
    },
    2,
    { format: 'jsonl' },
  )
  expect(files).toEqual(['{"id":"a","n":1}\n{"id":"b","n":2}\n'])
})

test.each(readdirSync(spectrum))('csv-spectrum %s comes out field for field', async (name) => {
  const csv = readFileSync(join(spectrum, name))
  const source = readCsv(csv.toString())
  const columns = Object.keys(source[0] ?? {})
  const rename = Object.fromEntries(columns.map((column) => [column, column.replaceAll(' ', '_')]))
  const files = await pass(csv, textSchema(Object.values(rename)), source.length, { rename })
  const renamed = source.map((row) =>
    Object.fromEntries(Object.entries(row).map(([column, cell]): [string, string] => [rename[column] ?? '', cell])),
  )
  expect(files.flatMap((text) => readCsv(text))).toEqual(renamed)
})
