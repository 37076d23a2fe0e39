// Appends numbered records, three at a time, until it is killed: node appender.ts URL TOPIC. Says before each append which one it
// begins, and after it where it is.
import { openBackend } from '../../../../src/backends/open.ts'
import { silentLog } from '../../../../src/core/log.ts'

const [url = '', topic = ''] = process.argv.slice(2)
const backend = await openBackend(url, { log: silentLog })
for (let number = 0; ; number++) {
  const values = [0, 1, 2].map((n) => `${number}-${n}`)
  process.stdout.write(`${JSON.stringify({ begins: values })}\n`)
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: 1 }))
  const { firstOffset } = await backend.append(topic, 0, records)
  process.stdout.write(`${JSON.stringify({ acknowledged: values, firstOffset })}\n`)
}
