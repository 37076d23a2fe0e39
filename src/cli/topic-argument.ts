import { parseSchema } from '../avro/parse-schema.ts'
import { topicOf } from '../connect/topic-field.ts'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import { checkTopicName, type Topic } from '../core/topic.ts'

export interface TopicArgument {
  readonly name: string
  readonly schemaText: string
  /** For messages. */
  readonly schemaFile: string
  readonly partitions: number | undefined
  readonly key: string | undefined
  readonly compact: boolean
}

/** The topic that `topics create` was asked for. ERR_CONFIG, ERR_SCHEMA_INVALID. */
export function parseTopic(argument: TopicArgument): Topic<unknown> {
  const { name, schemaFile, partitions, compact } = argument
  checkTopicName(name)
  const schema = parseJson(argument.schemaText, schemaFile)
  const node = parseSchema(schema)
  const fields = node.kind === 'record' ? node.fields.map((field) => field.name) : []
  const key = argument.key ?? keyOf(schema)
  if (key !== undefined && !fields.includes(key)) {
    const known =
      fields.length === 0 ? 'its values are no records, so leave --key out' : `its fields are ${fields.join(', ')}`
    throw new DrawbridgeError('ERR_CONFIG', `--key ${key}: the schema in ${schemaFile} has no such field; ${known}`)
  }
  if (compact && key === undefined)
    throw new DrawbridgeError(
      'ERR_CONFIG',
      '--compact keeps the newest record of each key; name the key with --key FIELD',
    )
  const kept = key === undefined ? schema : { ...(schema as object), 'drawbridge.key': key }
  return { ...topicOf(name, kept, key, partitions), compact }
}

function parseJson(text: string, file: string): string | object {
  try {
    return JSON.parse(text) as string | object
  } catch (error) {
    throw new DrawbridgeError('ERR_SCHEMA_INVALID', `${file} is not JSON: ${errorText(error)}`, { cause: error })
  }
}

function keyOf(schema: string | object): string | undefined {
  const key = typeof schema === 'object' ? (schema as Readonly<Record<string, unknown>>)['drawbridge.key'] : undefined
  return typeof key === 'string' ? key : undefined
}
