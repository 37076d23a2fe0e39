import { expect, it } from '@jest/globals'
import { statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MAP_BYTES } from '../../../../src/backends/embedded/lmdb.ts'
import { startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { openStore, readPartition, record } from './harness.ts'

const TOPIC = { name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null }

it('a-store-that-one-process-grows-is-read-and-written-by-those-that-had-it-open', async () => {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic(TOPIC)
  const before = statSync(join(dir, 'data.mdb')).size
  const other = startProcess(fileURLToPath(new URL('./programs/opener.ts', import.meta.url)), { args: [dir] })
  await other.message<{ opened: boolean }>(({ opened }) => opened, 'the store')
  for (let n = 0; n < 30; n += 1) {
    other.write(`${String(n).padStart(900_000, '.')}\n`)
    await other.message<{ appended?: number }>(({ appended }) => appended === 2 * n, `record ${2 * n}`)
    await backend.append('t', 0, [record(String(n).padStart(900_000, ','))])
  }
  // LMDB's own default would have been full at 10 MiB, and a process had to be told of a larger one.
  expect(statSync(join(dir, 'data.mdb')).size - before).toBeGreaterThan(50_000_000)
  const texts = (await readPartition(backend, 't')).map(({ value }) => Number(/\d+$/.exec(String(value))?.[0]))
  expect(texts).toEqual(Array.from({ length: 60 }, (_, offset) => Math.floor(offset / 2)))
})

it('the-end-of-the-address-space-is-a-full-disk-and-no-surprise-to-lmdb', async () => {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic(TOPIC)
  await backend.append('t', 0, [record('a')])
  const file = join(dir, 'data.mdb')
  const { size } = statSync(file)
  // A hole of a terabyte takes no room.
  truncateSync(file, MAP_BYTES - 100_000)
  await expect(backend.append('t', 0, [record('b')])).rejects.toMatchObject({
    code: 'ERR_STORE_FULL',
    details: { outcome: 'not-written' },
  })
  truncateSync(file, size)
  expect(await backend.append('t', 0, [record('c')])).toEqual({ firstOffset: 1 })
})
