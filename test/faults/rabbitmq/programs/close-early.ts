// Begins everything a program does and closes in the midst of it: node close-early.ts URL TOPIC AFTER_MS. Says how each call
// ended, and then has to end by itself.
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend } from '../../../../src/backends/open.ts'
import { errorText, isDrawbridgeError } from '../../../../src/core/errors.ts'
import { silentLog } from '../../../../src/core/log.ts'

const [url = '', topic = '', afterMs = '0'] = process.argv.slice(2)
const backend = await openBackend(url, { log: silentLog })
const limits = { maxRecords: 100, maxBytes: 1e6 }
const record = { key: null, value: Buffer.from('x'), headers: [], timestamp: 0 }
const spec = { compact: false, retentionMs: null, retentionBytes: null }
const quiet = { onAssign() {}, onRevoke: async () => undefined, onLost() {}, onFailed() {} }
const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  create: () => backend.createTopic({ name: `${topic}-more`, partitions: 3, ...spec }),
  widen: () => backend.widenTopic(topic, 3),
  append: () => backend.append(topic, 0, [record]),
  feed: () => backend.openFeed({ group: 'g', topic, from: 'earliest', limits, ...quiet }),
  reader: async () => (await backend.openReader({ topic, ranges: [{ partition: 1, from: 0 }], limits })).pull(1),
  describe: () => backend.describeTopic(topic),
  reset: () => backend.resetGroup('other', topic, [0, 0, 0]),
  groups: () => backend.listGroups(),
  offsets: () => backend.offsetsAt(topic, 0),
}
const ends = Promise.all(
  Object.entries(calls).map(async ([name, call]) => {
    const end = await call().then(
      () => 'ok',
      (error: unknown) => (isDrawbridgeError(error) ? error.code : `strange: ${errorText(error)}`),
    )
    return [name, end] as const
  }),
)
await sleep(Number(afterMs))
await backend.close()
console.log(JSON.stringify({ ends: Object.fromEntries(await ends) }))
