import type { FileSinkConfig } from './config.ts'

/**
 * One line of CSV (RFC 4180) with its line ending; null is a missing value. A text is quoted where it would not come
 * back: with delimiter, quote or line ending inside, equal to the text that stands for null, or (a lone column) empty.
 * Texts that a spreadsheet would take for a formula are left as they are.
 */
export function formatCsvRow(cells: readonly (string | null)[], csv: FileSinkConfig['csv']): string {
  const { delimiter, quote, nullText, quoting } = csv
  const shown = cells.map((cell) => {
    if (cell === null) return cells.length === 1 && nullText === '' ? '' : nullText
    const needed =
      quoting === 'all' ||
      cell === nullText ||
      cell === '' ||
      cell.includes(delimiter) ||
      cell.includes(quote) ||
      cell.includes('\n') ||
      cell.includes('\r')
    return needed ? quote + cell.replaceAll(quote, quote + quote) + quote : cell
  })
  return `${shown.join(delimiter)}\n`
}
