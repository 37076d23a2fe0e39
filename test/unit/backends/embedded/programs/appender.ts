// Appends numbered records until it is ended: node appender.ts DIR TOPIC PARTITION NAME. Prints each one acknowledged.
import { openBackend } from '../../../../../src/backends/open.ts'
import { silentLog } from '../../../../../src/core/log.ts'

const [dir, topic = '', partition, name = '', count = 'Infinity'] = process.argv.slice(2)
const backend = await openBackend(`embedded:${dir}`, { log: silentLog })
for (let number = 0; number < Number(count); number += 1) {
  const value = Buffer.from(`${name} ${number}`)
  const { firstOffset } = await backend.append(topic, Number(partition), [
    { key: null, value, headers: [], timestamp: 1 },
  ])
  process.stdout.write(`${JSON.stringify({ offset: firstOffset, value: value.toString() })}\n`)
}
await backend.close()
