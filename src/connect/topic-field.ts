import { readFileSync } from 'node:fs'
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
    const key = declaration.key ?? schemaKey(schema)
    const fields = fieldNames(schema)
    if (key !== undefined && !fields.includes(key)) {
      refuse('key', `the schema has no field ${JSON.stringify(key)}; its fields are ${fields.join(', ')}`)
      return undefined
    }
    return { name: declaration.name, declaration: topicOf(declaration.name, schema, key, declaration.partitions) }
  } catch (error) {
    refuse('schema', `${declaration.schema}: ${errorText(error)}`)
    return undefined
  }
}

/** A topic whose values are known by their schema only. `key` names a field of the value. */
export function topicOf(name: string, schema: TopicSchema, key?: string, partitions?: number): Topic<unknown> {
  return {
    name,
    value: schema,
    key: key === undefined ? undefined : (value) => keyText((value as Readonly<Record<string, unknown>>)[key]),
    partitions,
    compact: false,
  }
}

/** A field's value as a record key: bytes as they are, null for none, anything else as text (a Date as ISO time). */
function keyText(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array || typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

function schemaKey(schema: TopicSchema): string | undefined {
  const key = typeof schema === 'object' ? (schema as Readonly<Record<string, unknown>>)['drawbridge.key'] : undefined
  return typeof key === 'string' ? key : undefined
}

function fieldNames(schema: TopicSchema): readonly string[] {
  const node = parseSchema(schema)
  return node.kind === 'record' ? node.fields.map((field) => field.name) : []
}
