import { valueToJson } from '../../src/avro/json.ts'
import { parseSchema } from '../../src/avro/parse-schema.ts'
import type { Message } from '../../src/core/message.ts'
import type { Topic } from '../../src/core/topic.ts'

/**
 * The same for every attempt and every replay of a record, and no other's: `TOPIC:INCARNATION:PARTITION:OFFSET`, with `~`
 * for the dots of the topic's name, because a dot ends the id in what is signed.
 */
export function webhookId(
  incarnation: string,
  message: Pick<Message<unknown>, 'topic' | 'partition' | 'offset'>,
): string {
  return [message.topic, incarnation, message.partition, message.offset].join(':').replaceAll('.', '~')
}

/** The body: `{ type, timestamp, data }` as Standard Webhooks recommends; `data` is the value as JSON, base64 text for a topic without schema. */
export function createEnvelope(topic: Topic<unknown>): (message: Message<unknown>) => Buffer {
  const schema = topic.value === 'bytes' ? undefined : parseSchema(topic.value)
  const data = (value: unknown): unknown => {
    if (value === null || value === undefined) return null
    return schema === undefined ? { base64: (value as Buffer).toString('base64') } : valueToJson(schema, value)
  }
  return (message) =>
    Buffer.from(
      JSON.stringify({
        type: message.topic,
        timestamp: new Date(message.timestamp).toISOString(),
        data: data(message.value),
      }),
    )
}
