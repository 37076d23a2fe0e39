// A member of a group in a process of its own: node member.ts DIR TOPIC GROUP. Prints what happens to it, and commits on request.
import { createInterface } from 'node:readline'
import { openBackend } from '../../../../../src/backends/open.ts'
import { isDrawbridgeError } from '../../../../../src/core/errors.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const [dir, topic = '', group = ''] = process.argv.slice(2)
const backend = await openBackend(`embedded:${dir}`, { log: silentLog })
const feed = await backend.openFeed({
  group,
  topic,
  from: 'earliest',
  limits: { maxRecords: 100, maxBytes: 1_000_000 },
  onAssign: ({ partition, position }) => {
    say({ event: 'assigned', partition, position })
    void handOver(partition)
  },
  onRevoke: async (partitions) => say({ event: 'revoked', partitions }),
  onLost: (partitions) => say({ event: 'lost', partitions }),
  onFailed: (error) => say({ event: 'failed', message: error.message }),
})
say({ event: 'joined' })

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, partition = '', next = ''] = line.split(' ')
  if (verb === 'close') break
  const outcome = await feed.commit(Number(partition), Number(next)).then(
    () => 'ok',
    (error: unknown) => (isDrawbridgeError(error) ? error.code : String(error)),
  )
  say({ event: 'committed', partition: Number(partition), outcome })
}
process.stdin.destroy()
await backend.close()
say({ event: 'closed' })

async function handOver(partition: number): Promise<void> {
  for (;;) {
    const records = await feed.pull(partition)
    if (records.length === 0) return
    say({ event: 'records', partition, offsets: records.map(({ offset }) => offset), at: now() })
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** CLOCK_MONOTONIC, the same in every process. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
