// Does everything with a broker that is none: node among-garbage.ts URL FOR_MS. Says how each call ended and how much memory it
// took, and has to be alive at the end.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend } from '../../../../src/backends/open.ts'
import type { Backend } from '../../../../src/core/backend.ts'
import { errorText, isDrawbridgeError } from '../../../../src/core/errors.ts'
import { silentLog } from '../../../../src/core/log.ts'

const [url = '', forMs = '0'] = process.argv.slice(2)
const limits = { maxRecords: 100, maxBytes: 1e6 }
const record = { key: null, value: Buffer.from('x'), headers: [], timestamp: 0 }
const spec = { partitions: 1, compact: false, retentionMs: null, retentionBytes: null }
const quiet = { onAssign() {}, onRevoke: async () => undefined, onLost() {}, onFailed() {} }
const calls: readonly ((backend: Backend) => Promise<unknown>)[] = [
  (backend) => backend.listTopics(),
  (backend) => backend.describeTopic('t'),
  (backend) => backend.createTopic({ name: 't', ...spec }),
  (backend) => backend.append('t', 0, [record]),
  (backend) => backend.offsetsAt('t', 0),
  (backend) => backend.openReader({ topic: 't', ranges: [{ partition: 0, from: 0 }], limits }),
  (backend) => backend.openFeed({ group: 'g', topic: 't', from: 'earliest', limits, ...quiet }),
]
const ends = new Map<string, number>()

await Promise.all(
  calls.map(async (call) => {
    const backend = await openBackend(url, { log: silentLog })
    const end = call(backend).then(
      () => 'ok',
      (error: unknown) => (isDrawbridgeError(error) ? error.code : `strange: ${errorText(error)}`),
    )
    // A broker that says nothing of use is waited for up to a minute: closing ends that, too.
    await sleep(Number(forMs))
    await backend.close()
    ends.set(await end, (ends.get(await end) ?? 0) + 1)
  }),
)
// Of this program: what resourceUsage tells begins with the size of the process that started it.
const peakMiB = Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1_024)
console.log(JSON.stringify({ alive: true, peakMiB, ends: Object.fromEntries(ends) }))
