import { valueToJson, valueToText } from '../../src/avro/json.ts'
import { parseSchema } from '../../src/avro/parse-schema.ts'
import type { SchemaNode } from '../../src/avro/schema.ts'
import { checkDialect } from '../../src/connect/checks.ts'
import { DrawbridgeError } from '../../src/core/errors.ts'
import type { Topic } from '../../src/core/topic.ts'
import type { FileSinkConfig } from './config.ts'
import { formatCsvRow } from './csv-row.ts'

export interface RowEncoder {
  /** What stands at the top of each file; empty for none. */
  readonly header: string
  /** A value as a line with its line ending. */
  row(value: unknown): string
}

/** Led by the topic's schema; CSV columns are its fields in order. ERR_CONFIG when the topic has no schema. */
export function createRowEncoder(topic: Topic<unknown>, config: FileSinkConfig): RowEncoder {
  if (topic.value === 'bytes')
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${topic.name} has no schema, so its values cannot be written as rows; declare the topic with one`,
    )
  const schema = parseSchema(topic.value)
  if (config.format === 'jsonl')
    return { header: '', row: (value) => `${JSON.stringify(valueToJson(schema, value))}\n` }
  const { csv } = config
  checkDialect(csv)
  if (schema.kind !== 'record') {
    const cell = cellWriter(schema)
    return { header: csv.header ? formatCsvRow(['value'], csv) : '', row: (value) => formatCsvRow([cell(value)], csv) }
  }
  const columns = schema.fields.map(({ name, type }) => ({ name, cell: cellWriter(type) }))
  return {
    header: csv.header
      ? formatCsvRow(
          columns.map(({ name }) => name),
          csv,
        )
      : '',
    row(value) {
      const record = value as Readonly<Record<string, unknown>>
      return formatCsvRow(
        columns.map(({ name, cell }) => cell(record[name])),
        csv,
      )
    },
  }
}

/** A union of null and one other type is written as that type; null is told by its place, not by a text of its own. */
function cellWriter(type: SchemaNode): (value: unknown) => string | null {
  const others = type.kind === 'union' ? type.branches.filter((branch) => branch.kind !== 'null') : []
  const only = type.kind === 'union' && others.length === 1 && type.branches.length === 2 ? others[0] : undefined
  if (only === undefined) return type.kind === 'null' ? () => null : (value) => valueToText(type, value)
  return (value) => (value === null || value === undefined ? null : valueToText(only, value))
}
