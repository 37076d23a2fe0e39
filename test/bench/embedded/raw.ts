// Usage: raw.ts DIRECTORY RECORDS. The same bytes with lmdb and avsc alone: durable batches of 500 put in one
// transaction, read back in one range scan per 500 records; prints one JSON line.
import avro from 'avsc'
import { open } from 'lmdb'
import { measure } from '../measured.ts'
import { reading, readings } from '../readings.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const records = Number(count)
const BATCH = 500
const type = avro.Type.forSchema(readings.value as avro.Schema)
const db = open<Buffer, Buffer>({
  path: directory,
  keyEncoding: 'binary',
  encoding: 'binary',
  overlappingSync: false,
  mapSize: 8 * 2 ** 30,
})

function keyOf(n: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeUInt32BE(n, 4)
  return key
}

/** What a record holds beside its value: the frame, two times and the key. */
function encode(n: number): Buffer {
  const value = reading(n)
  const key = Buffer.from(value.sensor)
  const body = type.toBuffer(value)
  const out = Buffer.allocUnsafe(5 + 16 + 4 + key.length + body.length)
  out.writeUInt8(0, 0)
  out.writeUInt32BE(1, 1)
  out.writeDoubleBE(value.sentAt, 5)
  out.writeDoubleBE(value.sentAt, 13)
  out.writeUInt32BE(key.length, 21)
  key.copy(out, 25)
  body.copy(out, 25 + key.length)
  return out
}

const produce = await measure(records, async () => {
  for (let first = 0; first < records; first += BATCH) {
    db.transactionSync(() => {
      for (let n = first; n < Math.min(records, first + BATCH); n++) db.putSync(keyOf(n), encode(n))
    })
  }
})
let sum = 0
const consume = await measure(records, async () => {
  let read = 0
  while (read < records) {
    for (const { value } of db.getRange({ start: keyOf(read), limit: BATCH })) {
      sum += (type.fromBuffer(value.subarray(25 + value.readUInt32BE(21))) as { value: number }).value
      read++
    }
  }
})
await db.close()
console.log(JSON.stringify({ produce, consume, sum }))
