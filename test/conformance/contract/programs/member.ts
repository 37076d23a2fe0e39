// A member of a group in a process of its own: node member.ts URL TOPIC GROUP FROM COMMIT. FROM is JSON; COMMIT is `commit` where
// what was pulled is committed at once. Prints what happens to it. Reads `commit PARTITION NEXT` and `close`.
import { createInterface } from 'node:readline'
import { openBackend } from '../../../../src/backends/open.ts'
import type { StartPosition } from '../../../../src/core/backend.ts'
import { errorText, isDrawbridgeError } from '../../../../src/core/errors.ts'
import { silentLog } from '../../../../src/core/log.ts'

const [url = '', topic = '', group = '', from = '"earliest"', commitMode = ''] = process.argv.slice(2)
const backend = await openBackend(url, { log: silentLog })
let toldOfLoss = false
const opening = Promise.withResolvers<void>()
const feed = await backend.openFeed({
  group,
  topic,
  from: JSON.parse(from) as StartPosition,
  limits: { maxRecords: 100, maxBytes: 1_000_000 },
  onAssign({ partition, position, lost }) {
    void opening.promise.then(() => {
      say({ event: 'assigned', member: feed.memberId, partition, position, lost })
      void pullAll(partition)
    })
  },
  onRevoke: async (partitions) => say({ event: 'revoked', partitions }),
  onLost(partitions) {
    toldOfLoss = true
    say({ event: 'lost', partitions })
  },
  onFailed: (error) => say({ event: 'failed', outcome: errorText(error) }),
})
opening.resolve()
say({ event: 'joined' })

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, partition = '', next = ''] = line.split(' ')
  if (verb === 'close') break
  await commit(Number(partition), Number(next))
}
process.stdin.destroy()
await backend.close()
say({ event: 'closed' })

async function pullAll(partition: number): Promise<void> {
  for (;;) {
    const records = await feed.pull(partition)
    if (records.length === 0) break
    say({ event: 'records', partition, values: records.map(({ value }) => value?.toString() ?? null) })
    if (commitMode === 'commit') await commit(partition, (records.at(-1)?.offset ?? 0) + 1)
  }
  say({ event: 'drained', partition })
}

async function commit(partition: number, next: number): Promise<void> {
  // Where the driver can tell: whether a handler would be begun now.
  const doubted = feed.isStale === undefined ? null : feed.isStale() || toldOfLoss
  const outcome = await feed.commit(partition, next).then(
    () => 'ok',
    (error: unknown) => (isDrawbridgeError(error) ? error.code : errorText(error)),
  )
  say({ event: 'committed', partition, next, outcome, doubted })
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
