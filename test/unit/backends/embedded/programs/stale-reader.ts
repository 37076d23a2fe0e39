// Reads the store's state of now until it is ended: node stale-reader.ts DIR.
import { writeSync } from 'node:fs'
import { openLmdb } from '../../../../../src/backends/embedded/lmdb.ts'
import { openTurnstile } from '../../../../../src/backends/embedded/turnstile.ts'

const dir = process.argv[2] ?? ''
const db = openTurnstile(dir).pass(() => openLmdb(dir, { readOnly: true }))
db.useReadTransaction()
writeSync(1, '{"reading":true}\n')
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
