import { type ConfigSpec, type Field, fieldsOf, join } from './config.ts'

interface Row {
  readonly path: string
  readonly type: string
  readonly fallback: string
  readonly doc: string
}

/** One line a key for a terminal: key path, type, default, meaning. */
export function configHelp<C>(spec: ConfigSpec<C>): string {
  const rows = rowsOf(spec, '')
  const width = Math.max(0, ...rows.map((row) => row.path.length))
  return rows
    .map(
      (row) =>
        `  ${row.path.padEnd(width)}  ${row.doc} (${[row.type, row.fallback].filter((part) => part !== '').join('; ')})`,
    )
    .join('\n')
}

/** The README table of a spec, in Markdown. */
export function configTable<C>(spec: ConfigSpec<C>): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const lines = rowsOf(spec, '').map(
    (row) => `| \`${row.path}\` | ${cell(row.type)} | ${cell(row.fallback)} | ${cell(row.doc)} |`,
  )
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...lines].join('\n')
}

function rowsOf<C>(spec: ConfigSpec<C>, prefix: string): readonly Row[] {
  return [...fieldsOf(spec)].flatMap(([name, field]) => {
    const path = join(prefix, name)
    const below = field.fields === undefined ? [] : rowsOf(field.fields, path)
    return [{ path, type: field.type, fallback: fallbackText(field), doc: field.doc }, ...below]
  })
}

function fallbackText(field: Field<unknown>): string {
  if (field.required) return 'required'
  return field.default === undefined ? '' : `default ${JSON.stringify(field.default)}`
}
