import { defineUntypedTopic } from '../avro/define-topic.ts'
import { parseSchema } from '../avro/parse-schema.ts'
import { DrawbridgeError, errorText, hasCode } from '../core/errors.ts'
import type { Retention, Topic } from '../core/topic.ts'

export interface TopicArgument {
  readonly name: string
  readonly schemaText: string
  /** For messages. */
  readonly schemaFile: string
  readonly partitions: number | undefined
  /** Field of the value; instead of the one the schema names. */
  readonly key: string | undefined
  readonly compact: boolean
  readonly retention?: Retention | undefined
}

/** The topic that `topics create` was asked for. ERR_CONFIG, ERR_SCHEMA_INVALID. */
export function parseTopic(argument: TopicArgument): Topic<unknown> {
  const { name, schemaFile, partitions, key, compact, retention } = argument
  const schema = parseJson(argument.schemaText, schemaFile)
  const node = inFile(schemaFile, () => parseSchema(schema))
  const fields = node.kind === 'record' ? node.fields.map((field) => field.name) : []
  if (key !== undefined && !fields.includes(key)) {
    const known =
      fields.length === 0 ? 'its values are no records, so leave --key out' : `its fields are ${fields.join(', ')}`
    throw new DrawbridgeError('ERR_CONFIG', `--key ${key}: the schema in ${schemaFile} has no such field; ${known}`)
  }
  const value = key === undefined ? schema : { ...(schema as object), 'drawbridge.key': key }
  const topic = inFile(schemaFile, () => defineUntypedTopic({ name, value, partitions, compact, retention }))
  if (compact && topic.key === undefined) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      '--compact keeps the newest record of each key; name the key with --key FIELD',
    )
  }
  return topic
}

/** What is wrong with the schema is told with its file. */
function inFile<R>(file: string, run: () => R): R {
  try {
    return run()
  } catch (error) {
    if (!hasCode(error, 'ERR_SCHEMA_INVALID')) throw error
    const details = { ...error.details, file }
    throw new DrawbridgeError(error.code, `${file}: ${error.message}`, { cause: error, details })
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new DrawbridgeError('ERR_SCHEMA_INVALID', `${file} is not JSON (${errorText(error)}); correct it there`, {
      cause: error,
    })
  }
}
