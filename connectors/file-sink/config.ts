import { checkCsvCharacter } from '../../src/connect/checks.ts'
import type { ConfigOf } from '../../src/connect/config.ts'
import { boolean, choice, durationMs, group, integer, path, text } from '../../src/connect/fields.ts'

export const fileSinkConfig = {
  directory: path({
    doc: 'folder for the files; made if it is not there. Its files are the ledger of what is written',
    required: true,
  }),
  format: choice(['csv', 'jsonl'], { doc: 'CSV (RFC 4180), or one JSON value a line', required: true }),
  maxRows: integer({ doc: 'a file is closed at this many rows', default: 10_000, min: 1, max: 100_000 }),
  maxBytes: integer({ doc: 'or when its records have this many bytes', default: 16_777_216, min: 1_024 }),
  maxWaitMs: durationMs({ doc: 'or this long after its first record, also without new ones', default: 10_000, min: 1 }),
  csv: group(
    {
      delimiter: text({ doc: 'between fields', default: ',', check: checkCsvCharacter }),
      quote: text({ doc: 'around fields that need it; twice inside one', default: '"', check: checkCsvCharacter }),
      header: boolean({ doc: 'the first line of each file names the fields', default: true }),
      quoting: choice(['minimal', 'all'], { doc: 'quote fields that need it, or all but null', default: 'minimal' }),
      nullText: text({ doc: 'stands unquoted for null; a text that is the same is quoted', default: '' }),
    },
    { doc: 'only for csv' },
  ),
}

export type FileSinkConfig = ConfigOf<typeof fileSinkConfig>
