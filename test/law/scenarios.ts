export interface MapRow {
  readonly theme: string
  readonly scenarios: readonly string[]
}

/** Rows of the tables below a heading; the second column names scenarios in backticks. */
export function mapRows(paper: string, heading: string): readonly MapRow[] {
  const [, section = ''] = paper.split(`\n## ${heading}\n`)
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) => {
    const [, theme = '', names = ''] = line.split('|')
    return { theme: theme.trim(), scenarios: [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? []) }
  })
}

/** Rows without a scenario, and scenarios that are not there. */
export function mapBreaches(rows: readonly MapRow[], scenarios: ReadonlySet<string>): readonly string[] {
  return rows.flatMap((row) => {
    if (row.scenarios.length === 0) return [`${row.theme}: names no scenario`]
    return row.scenarios.flatMap((name) => (scenarios.has(name) ? [] : [`${row.theme}: no scenario is named ${name}`]))
  })
}
