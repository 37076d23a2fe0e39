// Opens a store that is locked: node late-lock.ts DIR. Says so, and says when its writer thread has ended after all.
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { openBackend } from '../../../../../src/backends/open.ts'
import { isDrawbridgeError } from '../../../../../src/core/errors.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const started = once(process, 'worker') as Promise<[Worker]>
const code = await openBackend(`embedded:${process.argv[2]}`, { log: silentLog }).then(
  () => 'opened',
  (error: unknown) => (isDrawbridgeError(error) ? error.code : String(error)),
)
const [thread] = await started
const ended = once(thread, 'exit')
thread.ref()
process.stdout.write(`${JSON.stringify({ code })}\n`)
await ended
