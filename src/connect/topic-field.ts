import { readFileSync } from 'node:fs'
import { defineUntypedTopic } from '../avro/define-topic.ts'
import { parseSchema } from '../avro/parse-schema.ts'
import { errorText } from '../core/errors.ts'
import { checkTopicName, type Topic, type TopicSchema } from '../core/topic.ts'
import { type ReadContext, readConfig } from './config.ts'
import type { ConfigNode } from './config-node.ts'
import { type Check, integer, path, text } from './fields.ts'

/** A connector's topic: by name as the broker knows it, or declared by the connector when it starts. */
export type TopicChoice = { readonly name: string } | { readonly name: string; readonly declaration: Topic<unknown> }

const topicName: Check<string> = (name) => {
  try {
    checkTopicName(name)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

export const declarationSpec = {
  name: text({ doc: 'name of the topic', required: true, check: topicName }),
  schema: path({ doc: 'the Avro schema’s file (.avsc)', required: true }),
  key: text({ doc: 'field of the value that is the record’s key (the schema’s drawbridge.key if absent)' }),
  partitions: integer({ doc: 'partitions a new topic gets', min: 1, max: 10_000 }),
}

/** Reads `topic: NAME` or `topic: { name, schema, key, partitions }`; the schema’s file is read and checked. */
export function readTopic(node: ConfigNode, at: ReadContext): TopicChoice | undefined {
  if (node.kind === 'scalar') {
    const name = declarationSpec.name.read(node, at)
    return name === undefined ? undefined : { name }
  }
  const declaration = readConfig(declarationSpec, node, at)
  if (declaration === undefined) return undefined
  const place =
    node.kind === 'map' ? (node.entries.find((entry) => entry.key === 'schema')?.place ?? node.place) : node.place
  const refuse = (key: string, message: string) => at.report({ place, path: `${at.path}.${key}`, message })
  try {
    const schema = JSON.parse(readFileSync(declaration.schema, 'utf8')) as TopicSchema
    const { name, key, partitions } = declaration
    const fields = fieldNames(schema)
    if (key !== undefined && !fields.includes(key)) {
      refuse('key', `the schema has no field ${JSON.stringify(key)}; its fields are ${fields.join(', ')}`)
      return undefined
    }
    const value = key === undefined ? schema : { ...(schema as object), 'drawbridge.key': key }
    return { name, declaration: defineUntypedTopic({ name, value, partitions }) }
  } catch (error) {
    refuse('schema', `${declaration.schema}: ${errorText(error)}`)
    return undefined
  }
}

function fieldNames(schema: TopicSchema): readonly string[] {
  const node = parseSchema(schema)
  return node.kind === 'record' ? node.fields.map((field) => field.name) : []
}
