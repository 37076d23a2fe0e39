import { expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { formatCsvRow } from '../../../../connectors/file-sink/csv-row.ts'
import { parseCsvRow } from '../../../../connectors/file-source/csv-fields.ts'

const plain = { delimiter: ',', quote: '"', header: true, quoting: 'minimal', nullText: '' } as const

const cell = fc.oneof(
  fc.constant(null),
  fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\n', '\r', ' ', '\\', 'N', 'é'), maxLength: 5 }),
)

test('null and every text come back, whatever the dialect; csv-parse reads the same texts', () => {
  fc.assert(
    fc.property(
      fc.array(cell, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(',', ';', '\t'),
      fc.constantFrom('', '\\N', 'a'),
      fc.constantFrom('minimal' as const, 'all' as const),
      (cells, delimiter, nullText, quoting) => {
        const line = formatCsvRow(cells, { ...plain, delimiter, nullText, quoting }).slice(0, -1)
        const back = parseCsvRow(line, { delimiter, quote: '"' })
        if ('malformed' in back) throw new Error(back.malformed)
        expect(back.map(({ text, quoted }) => (!quoted && text === nullText ? null : text))).toEqual(cells)
        if (line !== '')
          expect(parse(line, { delimiter, record_delimiter: '\n' })).toEqual([cells.map((one) => one ?? nullText)])
      },
    ),
    { numRuns: 2_000 },
  )
})

test('what a spreadsheet takes for a formula is left as it is', () => {
  expect(formatCsvRow(['=1+1', '@x', '-2'], plain)).toBe('=1+1,@x,-2\n')
})
