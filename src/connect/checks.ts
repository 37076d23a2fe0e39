import { DrawbridgeError } from '../core/errors.ts'

/** What is wrong with a text that should be one character of CSV's syntax, or undefined. */
export function checkCsvCharacter(value: string): string | undefined {
  return /^[\t\x20-\x7e]$/.test(value) ? undefined : 'must be one ASCII character; a tab is "\\t" in double quotes'
}

/** ERR_CONFIG when a CSV dialect cannot be told apart from its own fields. */
export function checkDialect({ delimiter, quote }: { readonly delimiter: string; readonly quote: string }): void {
  if (delimiter === quote)
    throw new DrawbridgeError('ERR_CONFIG', 'config.csv: delimiter and quote are the same character; change one')
}
