// Opens a store and says what became of it: node opener.ts DIR. A line on standard input appends a record, "close" ends it.
import { createInterface } from 'node:readline'
import { openBackend } from '../../../../../src/backends/open.ts'
import type { Backend } from '../../../../../src/core/backend.ts'
import { isDrawbridgeError } from '../../../../../src/core/errors.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const backend = await openBackend(`embedded:${process.argv[2]}`, { log: silentLog }).catch(refused)
if (backend !== undefined) await serve(backend)

async function serve(backend: Backend): Promise<void> {
  say({ opened: true, pid: process.pid })
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'close') break
    const record = { key: null, value: Buffer.from(line), headers: [], timestamp: 1 }
    await backend.append('t', 0, [record]).then(({ firstOffset }) => say({ appended: firstOffset }), refused)
  }
  process.stdin.destroy()
  await backend.close()
}

function refused(error: unknown): undefined {
  if (!isDrawbridgeError(error)) throw error
  say({ code: error.code, message: error.message, details: error.details })
  return undefined
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
