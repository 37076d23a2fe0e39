import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, unlinkSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { textSchema } from './kit/airports.ts'
import { createFolder, run, until } from './kit/run.ts'
import { fillTopic } from './kit/topic.ts'

const sink = (config: string) => `name: out
type: file-sink
topic: t
config: { directory: out, format: csv, ${config} }
`

const filesOf = (folder: string) => (existsSync(join(folder, 'out')) ? readdirSync(join(folder, 'out')) : [])
const rowsOf = (folder: string) =>
  filesOf(folder)
    .filter((name) => name.endsWith('.csv'))
    .flatMap((name) =>
      readFileSync(join(folder, 'out', name), 'utf8')
        .trim()
        .split('\n')
        .slice(1),
    )

/** Resolves when the next file gets its final name. */
function fileNamed(folder: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(folder, (event, name) => {
      if (event !== 'rename' || name === null || !name.endsWith('.csv')) return
      watcher.close()
      resolve()
    })
  })
}

test('exactly-once-in-files-over-sigkill: killed again and again, each row stands in the files once', async () => {
  const rows = 20_000
  const folder = createFolder()
  await fillTopic(
    folder.brokerUrl,
    't',
    textSchema(['id']),
    { partitions: 2, key: 'id' },
    Array.from({ length: rows }, (_, id) => ({ id: String(id) })),
  )
  mkdirSync(join(folder.path, 'out'))
  const running = await run(folder, sink('maxRows: 20, maxWaitMs: 100'), {
    restart: { minDelayMs: 10, maxCrashes: 100 },
  })
  // Killed at the moment a file gets its name, mostly before its rows are committed; until rows came again, and three times at least.
  const skipped = () => running.status('out').counters.rows_skipped_total ?? 0
  let kills = 0
  for (; kills < 3 || skipped() === 0; kills++) {
    if (kills === 25) throw new Error('never killed between a file and its commit; the test shows nothing')
    const { pid } = await running.until('out', ({ state, restarts }) => state === 'RUNNING' && restarts >= kills)
    await fileNamed(join(folder.path, 'out'))
    if (pid !== null) process.kill(pid, 'SIGKILL')
    await running.until('out', ({ restarts }) => restarts > kills)
    await running.until('out', ({ counters, state }) => state === 'RUNNING' && Object.keys(counters).length > 0)
  }
  await until('all rows are in the folder', () => rowsOf(folder.path).length >= rows)
  await running.stop()
  const written = rowsOf(folder.path)
  expect(written.length).toBe(rows)
  expect(new Set(written).size).toBe(rows)
  expect(readdirSync(join(folder.path, 'out')).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('what stands in the folder already is not written again, and part files of an earlier run are removed', async () => {
  const folder = createFolder()
  await fillTopic(
    folder.brokerUrl,
    't',
    textSchema(['id']),
    { partitions: 1, key: 'id' },
    Array.from({ length: 10 }, (_, id) => ({ id: String(id) })),
  )
  const first = await run(folder, sink('maxRows: 10, maxWaitMs: 100'))
  await first.until('out', ({ counters }) => counters.rows_total === 10)
  await first.stop()
  const [name = ''] = readdirSync(join(folder.path, 'out'))
  writeFileSync(join(folder.path, 'out', `.${name}.left.part`), 'half')
  // Another group begins at the start of the topic, as after a reset.
  const second = await run(folder, sink('maxRows: 7, maxWaitMs: 100').replace('name: out', 'name: again'))
  await second.until('again', ({ counters }) => counters.rows_skipped_total === 10)
  await second.stop()
  expect(readdirSync(join(folder.path, 'out'))).toEqual([name])
})

test('a folder that cannot be written makes no letters: the batch is tried until it succeeds', async () => {
  const folder = createFolder()
  const out = join(folder.path, 'out')
  const fill = (values: readonly object[]) =>
    fillTopic(folder.brokerUrl, 't', textSchema(['id']), { partitions: 1, key: 'id' }, values)
  await fill([])
  const running = await run(folder, sink('maxWaitMs: 50'))
  await running.until('out', ({ state }) => state === 'RUNNING')
  await until('the folder is made', () => existsSync(out))
  // A file in its place refuses even root.
  rmdirSync(out)
  writeFileSync(out, '')
  await fill([{ id: 'a' }, { id: 'b' }])
  await running.until('out', ({ counters }) => (counters.write_failures_total ?? 0) >= 2)
  unlinkSync(out)
  mkdirSync(out)
  await running.until('out', ({ counters }) => counters.rows_total === 2)
  expect(running.lines.some((line) => line.includes('is tried again for ever'))).toBe(true)
  await running.stop()
  expect(rowsOf(folder.path)).toEqual(['a', 'b'])
})
