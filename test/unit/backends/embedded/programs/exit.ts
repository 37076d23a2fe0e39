// Calls process.exit() in the middle of appending: node exit.ts DIR.
import { openBackend } from '../../../../../src/backends/open.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const backend = await openBackend(`embedded:${process.argv[2]}`, { log: silentLog })
await backend.createTopic({ name: 't', partitions: 4, compact: false, retentionMs: null, retentionBytes: null })
const batch = Array.from({ length: 200 }, () => ({ key: null, value: Buffer.alloc(200), headers: [], timestamp: 1 }))
for (let partition = 0; partition < 4; partition += 1) void keepAppending(partition)

async function keepAppending(partition: number): Promise<void> {
  for (let round = 0; ; round += 1) {
    await backend.append('t', partition, batch)
    if (round === 5) setTimeout(() => process.exit(75), Math.random() * 5)
  }
}
