import { jsonToValue, textToValue } from '../../src/avro/json.ts'
import { parseSchema } from '../../src/avro/parse-schema.ts'
import type { FieldNode, RecordNode, SchemaNode } from '../../src/avro/schema.ts'
import { checkDialect } from '../../src/connect/checks.ts'
import { nearest } from '../../src/connect/nearest.ts'
import { DrawbridgeError, errorText, hasCode } from '../../src/core/errors.ts'
import type { Topic } from '../../src/core/topic.ts'
import { badRow } from './bad-row.ts'
import type { FileSourceConfig } from './config.ts'
import { parseCsvRow } from './csv-fields.ts'
import type { RawRow } from './rows.ts'

export interface DecodeRow {
  /** The topic’s value, or ERR_SOURCE_INPUT naming file, line and column. */
  value(row: RawRow): unknown
  /** An empty line is a row (a single column may be empty). */
  readonly takesBlank: boolean
}

export interface RowDecoders {
  /** For one file, after its header line if it has one. ERR_SOURCE_INPUT when columns and schema do not fit. */
  open(file: string, header: RawRow | undefined): DecodeRow
}

interface Column {
  readonly name: string
  readonly field: FieldNode
  /** What stands in the cell when it is not null. */
  readonly type: SchemaNode
  readonly nullable: boolean
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Led by the topic’s schema. ERR_CONFIG when the topic cannot hold rows of this format. */
export function createRowDecoders(topic: Topic<unknown>, config: FileSourceConfig): RowDecoders {
  if (topic.value === 'bytes')
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${topic.name} has no schema; declare it in the connector: topic: { name, schema }`,
    )
  const schema = parseSchema(topic.value)
  if (config.format === 'jsonl')
    return { open: (file) => ({ takesBlank: false, value: (row) => readJson(schema, file, row) }) }
  if (schema.kind !== 'record')
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${topic.name}: CSV rows need a record schema, this one is ${schema.kind}; use format: jsonl`,
    )
  checkDialect(config.csv)
  return { open: (file, header) => csvDecoder(schema, config.csv, file, header) }
}

function readText(file: string, row: RawRow): string {
  if (row.malformed !== undefined) throw badRow(file, row, row.malformed)
  try {
    return UTF8.decode(row.bytes)
  } catch {
    throw badRow(file, row, 'not valid UTF-8')
  }
}

function readJson(schema: SchemaNode, file: string, row: RawRow): unknown {
  const text = readText(file, row)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw badRow(file, row, `not JSON: ${errorText(error)}`)
  }
  try {
    return jsonToValue(schema, json)
  } catch (error) {
    if (!hasCode(error, 'ERR_VALUE_INVALID')) throw error
    throw badRow(file, row, error.message)
  }
}

function csvDecoder(
  schema: RecordNode,
  csv: FileSourceConfig['csv'],
  file: string,
  header: RawRow | undefined,
): DecodeRow {
  const columns =
    header === undefined
      ? schema.fields.map((field) => column(field.name, field))
      : readHeader(schema, csv, file, header)
  const absent = schema.fields.filter((field) => !columns.some((one) => one?.field === field))
  const cell = ({ type, nullable }: Column, text: string, quoted: boolean): unknown =>
    nullable && !quoted && text === csv.nullText ? null : textToValue(type, text)
  return {
    takesBlank: columns.length === 1,
    value(row) {
      const cells = parseCsvRow(readText(file, row), csv)
      if ('malformed' in cells)
        throw badRow(file, row, cells.malformed, columns[cells.column]?.name ?? String(cells.column + 1))
      if (cells.length !== columns.length)
        throw badRow(file, row, `${cells.length} fields where the header has ${columns.length}`)
      const value: Record<string, unknown> = {}
      for (const [index, one] of columns.entries()) {
        if (one === undefined) continue
        const { text, quoted } = cells[index] as (typeof cells)[number]
        try {
          value[one.field.name] = cell(one, text, quoted)
        } catch (error) {
          if (!hasCode(error, 'ERR_VALUE_INVALID')) throw error
          throw badRow(file, row, error.message, one.name)
        }
      }
      for (const field of absent) value[field.name] = field.default?.()
      return value
    },
  }
}

function column(name: string, field: FieldNode): Column {
  const { type } = field
  const others = type.kind === 'union' ? type.branches.filter((branch) => branch.kind !== 'null') : []
  const only = others.length === 1 ? others[0] : undefined
  return only === undefined ? { name, field, type, nullable: false } : { name, field, type: only, nullable: true }
}

/** A column by place; undefined for one that is ignored. Faults of the header stop the file: they concern every row. */
function readHeader(
  schema: RecordNode,
  csv: FileSourceConfig['csv'],
  file: string,
  header: RawRow,
): readonly (Column | undefined)[] {
  const refuse = (problem: string): never => {
    throw new DrawbridgeError('ERR_SOURCE_INPUT', `${file} line ${header.line} (the header): ${problem}`, {
      details: { file },
    })
  }
  const cells = parseCsvRow(readText(file, header), csv)
  if ('malformed' in cells) return refuse(cells.malformed)
  const taken = new Map<string, string>()
  const columns = cells.map(({ text: name }) => {
    if (csv.ignore.includes(name)) return undefined
    const fieldName = Object.hasOwn(csv.columns, name) ? csv.columns[name] : name
    const field = schema.fields.find((candidate) => candidate.name === fieldName)
    if (field === undefined) {
      const near = nearest(
        name,
        schema.fields.map((candidate) => candidate.name),
      )
      return refuse(
        `column ${JSON.stringify(name)} is no field of ${schema.name}${near === undefined ? '' : ` (near: ${near})`}; name its field in csv.columns, or list it in csv.ignore`,
      )
    }
    const earlier = taken.get(field.name)
    if (earlier !== undefined)
      return refuse(
        `columns ${JSON.stringify(earlier)} and ${JSON.stringify(name)} are both field ${field.name}; list one in csv.ignore`,
      )
    taken.set(field.name, name)
    return column(name, field)
  })
  for (const field of schema.fields) {
    if (!taken.has(field.name) && field.default === undefined)
      refuse(`no column for field ${field.name}, which has no default; name its column in csv.columns`)
  }
  return columns
}
