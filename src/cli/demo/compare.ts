import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'

/** A row as one comparable text: its fields with their names, as text, in the order of the names. */
export function rowText(fields: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(fields).map(([name, value]) => [name, String(value)] as const)
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Every row of a CSV file. */
export function readRows(path: string): readonly string[] {
  const rows = parse<Record<string, string>>(readFileSync(path), { columns: true, bom: true })
  return rows.map(rowText)
}

/** The rows of all finished files of a folder. */
export function readFolder(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.csv') && !name.startsWith('.'))
    .flatMap((name) => [...readRows(join(folder, name))])
}

/** What one list has more of than the other, row for row: a row that stands twice counts twice. */
export function compareRows(
  source: readonly string[],
  other: readonly string[],
): { readonly missing: number; readonly extra: number } {
  const balance = new Map<string, number>()
  for (const row of source) balance.set(row, (balance.get(row) ?? 0) + 1)
  for (const row of other) balance.set(row, (balance.get(row) ?? 0) - 1)
  let missing = 0
  let extra = 0
  for (const count of balance.values()) {
    if (count > 0) missing += count
    else extra -= count
  }
  return { missing, extra }
}
