import { expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { openLmdb } from '../../../../src/backends/embedded/lmdb.ts'
import { parseReaderTable, readerTable } from '../../../../src/backends/embedded/reader-table.ts'
import { eventually } from '../../../kit/eventually.ts'
import { type TestProcess, startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'

function program(name: string, dir: string): TestProcess {
  return startProcess(fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url)), { args: [dir] })
}

it('the-housekeeping-frees-the-slot-of-a-reader-that-was-killed', async () => {
  const dir = tempDir()
  const living = program('opener', dir)
  await living.message<{ opened: boolean }>(({ opened }) => opened, 'the store')
  const reader = program('stale-reader', dir)
  await reader.message<{ reading: boolean }>(({ reading }) => reading, 'the read')
  // Opened before the death: opening clears the table, too.
  const db = openLmdb(dir, { readOnly: true })
  const pids = () => readerTable(db).map(({ pid }) => pid)
  expect(pids()).toContain(reader.pid)
  reader.kill('SIGKILL')
  await reader.ended
  await eventually(() => !pids().includes(reader.pid), { what: 'its slot to be free', timeoutMs: 30_000 })
  expect(pids()).toContain(living.pid)
  await db.close()
})

it("reads-lmdb's-table-of-readers", () => {
  const text = '\t\tpid\t\t thread\t\t txnid\n         1 7f07e7423d40 -\n     52012 7f4baa6a2d40 81\n'
  expect(parseReaderTable(text)).toEqual([
    { pid: 1, txn: null },
    { pid: 52012, txn: 81 },
  ])
  expect(parseReaderTable('(no active readers)\n')).toEqual([])
})
