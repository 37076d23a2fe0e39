// Usage: read-store.ts BROKER. Opens the store, reads the whole topic and every position, appends one record and says {"opened", "records",
// "error"}: numbers of whole records by partition, or the code with which it was refused.
import { errorText, isDrawbridgeError } from '../../../src/core/errors.ts'
import { connect } from '../../../src/index.ts'
import { ticks } from './topic.ts'

const [url = ''] = process.argv.slice(2)
const records: Record<number, string[]> = {}
try {
  await using broker = await connect(url)
  for await (const { partition, offset, value } of broker.read(ticks, { to: 'end' }))
    (records[partition] ??= []).push(`${offset} ${value.source}#${value.number}`)
  await broker.groups.describe('torn', ticks)
  await broker.producer(ticks).send({ source: 'after', number: 0, key: 'k', padding: '' })
  console.log(JSON.stringify({ records }))
} catch (error) {
  if (!isDrawbridgeError(error)) throw error
  console.log(JSON.stringify({ records, code: error.code, message: errorText(error) }))
}
