import { checkCsvCharacter } from '../../src/connect/checks.ts'
import type { ConfigOf } from '../../src/connect/config.ts'
import { boolean, choice, durationMs, group, integer, list, map, path, text } from '../../src/connect/fields.ts'

export const fileSourceConfig = {
  path: path({
    doc: 'a file, or files of one folder with * and ? in the name (in/*.csv); read in the order of their names',
    required: true,
  }),
  format: choice(['csv', 'jsonl'], { doc: 'CSV (RFC 4180), or one JSON value a line', required: true }),
  encoding: choice(['utf-8'], { doc: 'anything else in the file is a bad row', default: 'utf-8' }),
  csv: group(
    {
      delimiter: text({ doc: 'between fields', default: ',', check: checkCsvCharacter }),
      quote: text({ doc: 'around fields; twice inside one', default: '"', check: checkCsvCharacter }),
      header: choice(['first-line', 'none'], {
        doc: 'where column names are; none: columns are the schema’s fields in order',
        default: 'first-line',
      }),
      columns: map(text({ doc: 'field', required: true }), {
        doc: 'column name: field name, where they differ',
        default: {},
      }),
      ignore: list(text({ doc: 'column', required: true }), { doc: 'columns that are not taken', default: [] }),
      nullText: text({ doc: 'unquoted text that stands for null in a field that may be null', default: '' }),
    },
    { doc: 'only for csv' },
  ),
  idle: choice(['exit', 'watch'], {
    doc: 'when all is read: be done, or look for new files and rows',
    default: 'exit',
  }),
  pollMs: durationMs({ doc: 'watch: time between looks', default: 1_000, min: 10 }),
  settleMs: durationMs({
    doc: 'watch: a last line without line ending is a row once its file has not changed for this long',
    default: 5_000,
  }),
  onBadRow: choice(['stop', 'skip-to-file'], {
    doc: 'a row that is no value of the topic: stop there, or write it with the cause to FILE.rejected and go on',
    default: 'stop',
  }),
  headers: boolean({ doc: 'records carry drawbridge-file and drawbridge-line', default: false }),
  checkpointRows: integer({
    doc: 'rows between checkpoints; at most these are sent again after a crash (with what is in flight)',
    default: 5_000,
    min: 1,
  }),
  checkpointMs: durationMs({ doc: 'time between checkpoints', default: 1_000, min: 10 }),
  maxRowBytes: integer({ doc: 'longest row', default: 1_048_576, min: 100, max: 16_777_216 }),
}

export type FileSourceConfig = ConfigOf<typeof fileSourceConfig>
