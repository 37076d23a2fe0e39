import { DrawbridgeError, hasCode, isDrawbridgeError } from '../../src/core/errors.ts'
import type { RawRow } from './rows.ts'

/** ERR_SOURCE_INPUT for a row, naming file, line and, where one is at fault, the column. */
export function badRow(
  file: string,
  row: Pick<RawRow, 'line' | 'offset'>,
  problem: string,
  column?: string,
): DrawbridgeError {
  const where = column === undefined ? '' : `, column ${JSON.stringify(column)}`
  return new DrawbridgeError(
    'ERR_SOURCE_INPUT',
    `${file} line ${row.line}${where}: ${problem}; mend the line in the file (nothing before it may change) and start again, or set onBadRow: skip-to-file`,
    {
      details: { file, line: row.line, offset: row.offset, ...(column === undefined ? {} : { column }) },
    },
  )
}

/** The error says that this row is at fault, not the broker or the file as a whole. */
export function isRowFault(error: unknown): error is DrawbridgeError {
  return (
    isDrawbridgeError(error) &&
    ((hasCode(error, 'ERR_SOURCE_INPUT') && error.details.line !== undefined) ||
      hasCode(error, 'ERR_VALUE_INVALID') ||
      hasCode(error, 'ERR_RECORD_TOO_LARGE'))
  )
}
