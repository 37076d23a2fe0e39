// Fills the store until it is refused, makes room, goes on: node fill.ts DIR BALLAST. The ballast is what takes up the room.
import { rmSync, writeFileSync } from 'node:fs'
import { openBackend } from '../../../../../src/backends/open.ts'
import { isDrawbridgeError } from '../../../../../src/core/errors.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const [dir, ballast = ''] = process.argv.slice(2)
const backend = await openBackend(`embedded:${dir}`, { log: silentLog })
await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
if (ballast !== '') writeFileSync(ballast, Buffer.alloc(1_000_000))
const record = { key: null, value: Buffer.alloc(20_000, 1), headers: [], timestamp: 1 }

let acknowledged = 0
let refusal: unknown
for (; refusal === undefined && acknowledged < 1_000; ) {
  await backend.append('t', 0, [record]).then(
    () => (acknowledged += 1),
    (error: unknown) => (refusal = error),
  )
}
const full = (await backend.describeTopic('t')).ranges[0]?.end
if (ballast !== '') rmSync(ballast)
const again = await backend.append('t', 0, [record]).then(
  ({ firstOffset }) => firstOffset,
  () => null,
)
const { code, outcome } = isDrawbridgeError(refusal)
  ? { code: refusal.code, outcome: refusal.details['outcome'] }
  : { code: String(refusal), outcome: null }
process.stdout.write(`${JSON.stringify({ acknowledged, full, again, code, outcome })}\n`)
await backend.close()
