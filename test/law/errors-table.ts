/** The codes table of ERRORS.md: `| code | verdict | when | what to do |`. */
export interface ErrorRow {
  readonly code: string
  readonly verdict: string
  readonly when: string
  readonly mend: string
}

export function errorRows(markdown: string): readonly ErrorRow[] {
  return markdown.split('\n').flatMap((line) => {
    const [code = '', verdict = '', when = '', mend = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    const name = /^`(ERR_\w+)`$/.exec(code)?.[1]
    return name === undefined ? [] : [{ code: name, verdict, when, mend }]
  })
}

/** Where the page and the code differ: missing, extra and doubled codes, wrong verdicts, empty cells, another order. */
export function errorBreaches(markdown: string, codes: Readonly<Record<string, string>>): readonly string[] {
  const rows = errorRows(markdown)
  const named = rows.map((row) => row.code)
  const breaches = [
    ...Object.keys(codes).flatMap((code) => (named.includes(code) ? [] : [`missing: ${code}`])),
    ...named.flatMap((code) => (code in codes ? [] : [`extra: ${code}`])),
    ...named.flatMap((code, index) => (named.indexOf(code) === index ? [] : [`twice: ${code}`])),
    ...rows.flatMap((row) => {
      const verdict = codes[row.code]
      return verdict === undefined || verdict === row.verdict
        ? []
        : [`${row.code}: the page says ${row.verdict}, the code ${verdict}`]
    }),
    ...rows.flatMap((row) =>
      row.when === '' || row.mend === '' ? [`${row.code}: says not when, or not what to do`] : [],
    ),
  ]
  if (breaches.length === 0 && named.join() !== Object.keys(codes).join())
    breaches.push('the order differs from ERROR_CODES')
  return breaches
}
