// Takes the store's write lock, as a writer does, and keeps it until it is ended: node lock-holder.ts DIR.
import { mkdirSync, writeSync } from 'node:fs'
import { openHolderFile } from '../../../../../src/backends/embedded/holder.ts'
import { openLmdb } from '../../../../../src/backends/embedded/lmdb.ts'
import { openTurnstile } from '../../../../../src/backends/embedded/turnstile.ts'

const dir = process.argv[2] ?? ''
mkdirSync(dir, { recursive: true })
const holder = openHolderFile(dir)
const turnstile = openTurnstile(dir)
const db = turnstile.pass(() => openLmdb(dir, { readOnly: false }))
turnstile.pass(() =>
  db.transactionSync(() => {
    holder.sign()
    writeSync(1, '{"locked":true}\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }),
)
