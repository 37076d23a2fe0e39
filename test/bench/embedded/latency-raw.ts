// Usage: latency-raw.ts send|receive DIRECTORY RECORDS RATE. The same with lmdb and avsc alone: a durable put per record,
// and a reader that polls for the next key every millisecond.
import avro from 'avsc'
import { open } from 'lmdb'
import { nowMicros, openLoop, reportLatencies } from '../open-loop.ts'
import { reading, readings } from '../readings.ts'

const [role = '', directory = '', count = '0', rate = '1000'] = process.argv.slice(2)
const records = Number(count)
const type = avro.Type.forSchema(readings.value as avro.Schema)
const db = open<Buffer, number>({ path: directory, encoding: 'binary', mapSize: 2 ** 30 })

if (role === 'send') {
  await openLoop(records, Number(rate), async (n, dueAt) => {
    await db.put(n, type.toBuffer(reading(n, undefined, dueAt)))
  })
  await db.flushed
} else {
  console.log(JSON.stringify({ ready: true }))
  const latencies: number[] = []
  while (latencies.length < records) {
    db.resetReadTxn()
    for (const { value } of db.getRange({ start: latencies.length, limit: 500 })) {
      latencies.push(nowMicros() - (type.fromBuffer(value) as { sentAt: number }).sentAt)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  reportLatencies(latencies)
}
await db.close()
