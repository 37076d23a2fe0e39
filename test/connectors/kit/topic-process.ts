import { createInterface } from 'node:readline'
import { jsonToValue, valueToJson } from '../../../src/avro/json.ts'
import { defineUntypedTopic } from '../../../src/avro/define-topic.ts'
import { openBroker } from '../../../src/open-broker.ts'

const [verb, brokerUrl = '', name = '', schemaText = '', partitions = '1', key = ''] = process.argv.slice(2)
await using broker = await openBroker(brokerUrl)
if (verb === 'read') {
  const topic = await broker.topic(name)
  for await (const message of broker.read(topic, { to: 'end' })) {
    const { partition, offset, headers } = message
    const record = {
      partition,
      offset,
      key: message.key?.toString() ?? null,
      headers: Object.fromEntries(headers.map(([header, value]) => [header, value?.toString()])),
      value: valueToJson(topic.value, message.value),
    }
    if (!process.stdout.write(`${JSON.stringify(record)}\n`))
      await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
} else {
  const schema = JSON.parse(schemaText) as object
  const topic = defineUntypedTopic({
    name,
    value: { ...schema, 'drawbridge.key': key },
    partitions: Number(partitions),
  })
  await broker.declare(topic)
  const producer = broker.producer(topic)
  async function* values() {
    for await (const line of createInterface({ input: process.stdin })) yield jsonToValue(schema, JSON.parse(line))
  }
  await producer.sendAll(values())
}
