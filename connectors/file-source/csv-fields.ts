export interface CsvField {
  readonly text: string
  /** It stood in quotes: an empty one is then an empty text, not a missing value. */
  readonly quoted: boolean
}

export interface CsvDialect {
  readonly delimiter: string
  readonly quote: string
}

/**
 * The fields of one row (RFC 4180), or why it is none; column is the index of the field at fault. A quote inside a field
 * that does not begin with one stands for itself (6" pipe), as everywhere but in the RFC.
 */
export function parseCsvRow(
  row: string,
  dialect: CsvDialect,
): readonly CsvField[] | { readonly malformed: string; readonly column: number } {
  const { delimiter, quote } = dialect
  if (!row.includes(quote)) return row.split(delimiter).map((text) => ({ text, quoted: false }))
  const fields: CsvField[] = []
  let at = 0
  for (;;) {
    if (row[at] === quote) {
      const closed = closingQuote(row, at + 1, quote)
      if (closed === -1) return { malformed: 'a quote is opened and not closed', column: fields.length }
      fields.push({ text: row.slice(at + 1, closed).replaceAll(quote + quote, quote), quoted: true })
      at = closed + 1
      if (at === row.length) return fields
      if (row[at] !== delimiter)
        return {
          malformed: 'text follows the closing quote; a quote inside a field is written twice',
          column: fields.length - 1,
        }
      at++
      continue
    }
    const end = row.indexOf(delimiter, at)
    const text = end === -1 ? row.slice(at) : row.slice(at, end)
    fields.push({ text, quoted: false })
    if (end === -1) return fields
    at = end + 1
  }
}

function closingQuote(row: string, from: number, quote: string): number {
  for (let at = row.indexOf(quote, from); at !== -1; at = row.indexOf(quote, at + 2)) {
    if (row[at + 1] !== quote) return at
  }
  return -1
}
