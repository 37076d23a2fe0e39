// Usage: open-close.ts DIRECTORY. Opens and closes the store as the backend's writer does, thousands of times, until SIGTERM, then
// says {"opened": n}.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openLmdb } from '../../../src/backends/embedded/lmdb.ts'
import { openTurnstile } from '../../../src/backends/embedded/turnstile.ts'

const [directory = ''] = process.argv.slice(2)
const turnstile = openTurnstile(directory)
let stopping = false
process.on('SIGTERM', () => (stopping = true))
let opened = 0
while (!stopping) {
  const store = turnstile.pass(() => openLmdb(directory, { readOnly: false }))
  opened++
  await store.close()
  await nextTurn()
}
await turnstile.close()
console.log(JSON.stringify({ opened }))
