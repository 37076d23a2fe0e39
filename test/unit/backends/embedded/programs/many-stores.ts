// Opens and closes COUNT stores, two at a time, with V8 told to free WebAssembly's machine code whenever it can and to say so.
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { openEmbedded } from '../../../../../src/backends/embedded/backend.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const [dir = '', count = ''] = process.argv.slice(2)

async function openAndClose(name: string): Promise<void> {
  const backend = await openEmbedded(`embedded:${join(dir, name)}`, { log: silentLog })
  await backend.close()
}

// What this thread's own modules left behind before is none of the stores' doing.
await openAndClose('first')
setFlagsFromString('--stress-wasm-code-gc')
setFlagsFromString('--trace-wasm-code-gc')
for (let n = 0; n < Number(count); n += 2) await Promise.all([openAndClose(`${n}`), openAndClose(`${n + 1}`)])
console.log(JSON.stringify({ event: 'done' }))
