// Takes the store's write lock and keeps it until it is ended: node lock-holder.ts DIR.
import { writeSync } from 'node:fs'
import { openHolderFile } from '../../../../../src/backends/embedded/holder.ts'
import { openLmdb } from '../../../../../src/backends/embedded/lmdb.ts'

const dir = process.argv[2] ?? ''
const holder = openHolderFile(dir)
const db = openLmdb(dir, { readOnly: false })
db.transactionSync(() => {
  holder.sign()
  writeSync(1, '{"locked":true}\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
