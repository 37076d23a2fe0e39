import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { createFolder, run } from './kit/run.ts'
import { readTopic } from './kit/topic.ts'

const schema = JSON.stringify({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
})

const source = (config: string, path = 'in.csv') => `name: in
type: file-source
topic: { name: t, schema: schema.avsc, key: id, partitions: 2 }
config: { path: "${path}", format: csv, ${config} }
`

const ids = async (brokerUrl: string) => (await readTopic(brokerUrl, 't')).map(({ key }) => key ?? '').sort()
const read = (count: number) => (status: { counters: Readonly<Record<string, number>> }) =>
  (status.counters.records_total ?? 0) >= count

test('at-least-once-over-sigkill: killed again and again while it reads, nothing is lost', async () => {
  const rows = 60_000
  const text = Array.from({ length: rows }, (_, index) => `r${index},${index},"é${index}\n""q"""`).join('\r\n')
  const folder = createFolder({ 'in.csv': `id,n,note\r\n${text}`, 'schema.avsc': schema })
  const running = await run(folder, source('checkpointRows: 500'), { restart: { minDelayMs: 10 } })
  for (let kills = 1; kills <= 3; kills++) {
    const { pid } = await running.until(
      'in',
      ({ state, restarts, counters }) =>
        state === 'RUNNING' && restarts === kills - 1 && (counters.records_total ?? 0) > kills * 5_000,
    )
    if (pid !== null) process.kill(pid, 'SIGKILL')
  }
  expect(await running.done).toMatchObject({ exitCode: 0 })
  const records = await readTopic(folder.brokerUrl, 't')
  const seen = new Set(records.map(({ key }) => key))
  expect(seen.size).toBe(rows)
  expect(records.every(({ key, value }) => (value as { note: string }).note === `é${key?.slice(1)}\n"q"`)).toBe(true)
  expect(running.status('in').restarts).toBeGreaterThan(0)
  // At most what lay between two checkpoints and in flight comes again, at each kill.
  expect(records.length).toBeLessThan(rows + 3 * 12_000)
})

test('resumes-where-it-stopped: rows appended later are read, none before them again', async () => {
  const folder = createFolder({ 'in.csv': 'id,n\na,1\nb,2', 'schema.avsc': schema })
  expect((await (await run(folder, source('idle: exit'))).done).exitCode).toBe(0)
  appendFileSync(join(folder.path, 'in.csv'), '\r\nc,3\n')
  expect((await (await run(folder, source('idle: exit'))).done).exitCode).toBe(0)
  expect(await ids(folder.brokerUrl)).toEqual(['a', 'b', 'c'])
})

test('a bad row stops it and names file, line and column; mended, it goes on behind what was taken', async () => {
  const folder = createFolder({ 'in.csv': 'id,n\na,1\n"b\n2",x\nc,3\n', 'schema.avsc': schema })
  const running = await run(folder, source('idle: exit'))
  const { exitCode, statuses } = await running.done
  expect(exitCode).toBe(70)
  expect(statuses[0]).toMatchObject({
    state: 'FAILED',
    restarts: 0,
    lastError: {
      code: 'ERR_SOURCE_INPUT',
      message: expect.stringMatching(/in\.csv line 3, column "n": .*; mend the line/),
    },
  })
  expect(await ids(folder.brokerUrl)).toEqual(['a'])
  writeFileSync(join(folder.path, 'in.csv'), 'id,n\na,1\n"b\n2",2\nc,3\n')
  expect((await (await run(folder, source('idle: exit'))).done).exitCode).toBe(0)
  expect(await ids(folder.brokerUrl)).toEqual(['a', 'b\n2', 'c'])
})

test('skip-to-file: bad rows stand in FILE.rejected with cause and raw bytes, good ones in the topic', async () => {
  const bad = Buffer.concat([
    Buffer.from('id,n\na,1\nb,x\n'),
    Buffer.from([0x63, 0xff]),
    Buffer.from(',3\nd,4,5,6\ne,5\n"f,6\ng,7\n'),
  ])
  const folder = createFolder({ 'in.csv': bad, 'schema.avsc': schema })
  const running = await run(folder, source('onBadRow: skip-to-file'))
  expect((await running.done).exitCode).toBe(0)
  expect(await ids(folder.brokerUrl)).toEqual(['a', 'e', 'g'])
  expect(running.status('in').counters).toMatchObject({ records_total: 3, rejected_rows_total: 4 })
  const rejected = readFileSync(join(folder.path, 'in.csv.rejected'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(rejected).toEqual([
    { line: 3, offset: 9, raw: 'b,x', cause: expect.stringContaining('line 3, column "n"') },
    {
      line: 4,
      offset: 13,
      rawBase64: Buffer.from([0x63, 0xff, 0x2c, 0x33]).toString('base64'),
      cause: expect.stringContaining('not valid UTF-8'),
    },
    { line: 5, offset: 18, raw: 'd,4,5,6', cause: expect.stringContaining('4 fields where the header has 2') },
    { line: 7, offset: 30, raw: '"f,6', cause: expect.stringContaining('a quote was opened and not closed') },
  ])
})

test.each([
  ['shrunk', (file: string) => truncateSync(file, 8)],
  ['replaced', (file: string) => writeFileSync(file, 'id,n\nx,1\ny,2\nz,3\n')],
  ['rewritten in the last row read', (file: string) => writeFileSync(file, 'id,n\na,1\nb,9\nc,3\n')],
])('a file that was %s is reported, never read again in silence', async (_name, change) => {
  const folder = createFolder({ 'in.csv': 'id,n\na,1\nb,2\n', 'schema.avsc': schema })
  await (await run(folder, source('idle: exit'))).done
  change(join(folder.path, 'in.csv'))
  const { statuses } = await (await run(folder, source('idle: exit'))).done
  expect(statuses[0]).toMatchObject({
    state: 'FAILED',
    lastError: { code: 'ERR_SOURCE_INPUT', message: expect.stringMatching(/has shrunk|was replaced or rewritten/) },
  })
  expect(await ids(folder.brokerUrl)).toEqual(['a', 'b'])
})

test('watch: new files and rows are read; a last line without ending waits until it is whole', async () => {
  const folder = createFolder({ 'in/1.csv': 'id,n\na,1\nb,', 'schema.avsc': schema })
  const running = await run(folder, source('idle: watch, pollMs: 20, settleMs: 60000, headers: true', 'in/*.csv'))
  await running.until('in', read(1))
  appendFileSync(join(folder.path, 'in/1.csv'), '2\n')
  writeFileSync(join(folder.path, 'in/.2.csv'), 'id,n\nc,3\n')
  renameSync(join(folder.path, 'in/.2.csv'), join(folder.path, 'in/2.csv'))
  await running.until('in', read(3))
  expect((await running.stop()).statuses[0]?.state).toBe('STOPPED')
  const records = await readTopic(folder.brokerUrl, 't')
  const byKey = records.toSorted((a, b) => (a.key ?? '').localeCompare(b.key ?? ''))
  expect(byKey.map(({ key, headers }) => [key, headers])).toEqual([
    ['a', { 'drawbridge-file': '1.csv', 'drawbridge-line': '2' }],
    ['b', { 'drawbridge-file': '1.csv', 'drawbridge-line': '3' }],
    ['c', { 'drawbridge-file': '2.csv', 'drawbridge-line': '2' }],
  ])
})

test('watch: a last line without ending is taken once it has settled; should it grow after all, that is reported', async () => {
  const folder = createFolder({ 'in.csv': 'id,n\na,1', 'schema.avsc': schema })
  const running = await run(folder, source('idle: watch, pollMs: 20, settleMs: 0'))
  await running.until('in', read(1))
  appendFileSync(join(folder.path, 'in.csv'), '5\n')
  const { statuses } = await running.done
  expect(statuses[0]).toMatchObject({
    state: 'FAILED',
    lastError: { message: expect.stringContaining('has grown in the middle of its last line') },
  })
})

test.each([
  ['a column the schema does not know', 'id,n,nte\n', /column "nte" is no field of R \(near: note\)/],
  ['a field without a column', 'id\n', /no column for field n, which has no default/],
  ['a field twice', 'id,n,n\n', /columns "n" and "n" are both field n/],
])('the header is checked: %s', async (_name, header, message) => {
  const folder = createFolder({ 'in.csv': header, 'schema.avsc': schema })
  const { statuses } = await (await run(folder, source('onBadRow: skip-to-file'))).done
  expect(statuses[0]).toMatchObject({ state: 'FAILED', lastError: { message: expect.stringMatching(message) } })
})

test('a second copy waits and takes over from the checkpoint', async () => {
  const folder = createFolder({ 'in/1.csv': 'id,n\na,1\n', 'schema.avsc': schema })
  const first = await run(folder, source('idle: watch, pollMs: 20', 'in/*.csv'))
  await first.until('in', read(1))
  const second = await run(folder, source('idle: watch, pollMs: 20', 'in/*.csv'))
  await first.stop()
  await second.until('in', ({ state }) => state === 'RUNNING')
  writeFileSync(join(folder.path, 'in/2.csv'), 'id,n\nb,2\n')
  await second.until('in', read(1))
  await second.stop()
  expect(await ids(folder.brokerUrl)).toEqual(['a', 'b'])
})
