// Loses its writer thread: node writer-death.ts DIR. Prints what becomes of everything under way.
import type { Worker } from 'node:worker_threads'
import { openBackend } from '../../../../../src/backends/open.ts'
import { isDrawbridgeError } from '../../../../../src/core/errors.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const threads: Worker[] = []
process.on('worker', (worker) => threads.push(worker))
const backend = await openBackend(`embedded:${process.argv[2]}`, { log: silentLog })
await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
const failed = Promise.withResolvers<string>()
await backend.openFeed({
  group: 'g',
  topic: 't',
  from: 'earliest',
  limits: { maxRecords: 1, maxBytes: 1 },
  onAssign: () => undefined,
  onRevoke: async () => undefined,
  onLost: () => undefined,
  onFailed: (error) => failed.resolve(codeOf(error)),
})
const reader = await backend.openReader({
  topic: 't',
  ranges: [{ partition: 0, from: 1 }],
  limits: { maxRecords: 1, maxBytes: 1 },
})
const read = reader.pull(0).then(() => 'read', codeOf)
const record = { key: null, value: null, headers: [], timestamp: 1 }
await new Promise((resolve) => setImmediate(resolve))
const pending = backend.append('t', 0, [record]).then(() => 'written', codeOf)
// Nothing the writer can make sense of: it throws, outside of any transaction.
threads[0]?.postMessage(null, [])
const later = backend.append('t', 0, [record]).then(() => 'written', codeOf)
say({ failed: await failed.promise, read: await read, pending: await pending, later: await later })
await backend.close()

function codeOf(error: unknown): string {
  return isDrawbridgeError(error) ? `${error.code} ${String(error.details['outcome'])}` : String(error)
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
