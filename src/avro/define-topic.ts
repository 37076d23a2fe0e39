import { DrawbridgeError } from '../core/errors.ts'
import { checkTopicName, type Retention, type Topic } from '../core/topic.ts'
import { checkSchema } from './check-schema.ts'
import type { AvroSchema, AvroValue } from './infer.ts'
import { foundText } from './refusal.ts'
import { type FieldNode, jsKindOfNode, type SchemaNode, typeText } from './schema.ts'

/** The values of a topic declared with this schema; the word `bytes` stands for unframed Buffers. */
export type TopicValue<S> = [S] extends ['bytes'] ? Buffer : AvroValue<S>

export interface TopicDeclaration<S, Compact extends boolean> {
  readonly name: string
  /** An inline schema (no `as const` needed), a generated schema module's constant, or `bytes`. */
  readonly value: S
  /** The key of a value; absent: the field named by the schema's attribute `drawbridge.key`, else no key. Never called with a tombstone. */
  readonly key?: ((value: TopicValue<S>) => string | Uint8Array | null) | undefined
  /** 1 to 10,000; absent takes what exists, or 1. */
  readonly partitions?: number | undefined
  /** The broker keeps the newest record of each key; null is a value (a tombstone). */
  readonly compact?: Compact | undefined
  readonly retention?: Retention | undefined
}

const MAX_PARTITIONS = 10_000

/**
 * Declares a topic; nothing is created until `broker.declare`. ERR_CONFIG for a bad name or partition count,
 * ERR_SCHEMA_INVALID with the place in the schema.
 */
export function defineTopic<const S extends AvroSchema, Compact extends boolean = false>(
  declaration: TopicDeclaration<S, Compact>,
): Topic<Compact extends true ? TopicValue<S> | null : TopicValue<S>> {
  const { value, partitions, compact = false, retention } = declaration
  const name = checkTopicName(declaration.name)
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS)) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${name}: partitions has to be a whole number from 1 to ${MAX_PARTITIONS}, found ${String(partitions)}`,
    )
  }
  for (const [bound, most] of Object.entries(retention ?? {})) {
    if (most === null || most === undefined || (Number.isSafeInteger(most) && most > 0)) continue
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${name}: retention.${bound} has to be a whole number above 0, or null, found ${String(most)}`,
    )
  }
  const node = value === 'bytes' ? null : checkSchema(value)
  const key =
    (declaration.key as ((value: unknown) => string | Uint8Array | null) | undefined) ??
    (node === null ? undefined : keyField(value, node))
  return { name, value, key: key && tombstonesHaveNoKey(name, key), partitions, compact, retention }
}

/** As `defineTopic`, for a schema that is known at run time only. */
export const defineUntypedTopic = defineTopic as unknown as (
  declaration: TopicDeclaration<unknown, boolean>,
) => Topic<unknown>

function tombstonesHaveNoKey(
  topic: string,
  key: (value: unknown) => string | Uint8Array | null,
): (value: unknown) => string | Uint8Array | null {
  return (value) => {
    if (value === null)
      throw new DrawbridgeError(
        'ERR_VALUE_INVALID',
        `${topic}: a tombstone (null) has no value to take its key from; give the key with the send`,
      )
    return key(value)
  }
}

/** The key function that the record's attribute `drawbridge.key` asks for. */
function keyField(schema: AvroSchema, node: SchemaNode): ((value: unknown) => string | Uint8Array | null) | undefined {
  const name = typeof schema === 'object' ? (schema as Readonly<Record<string, unknown>>)['drawbridge.key'] : undefined
  if (name === undefined) return undefined
  const field = node.kind === 'record' ? node.fields.find((candidate) => candidate.name === name) : undefined
  if (field === undefined)
    throw new DrawbridgeError(
      'ERR_SCHEMA_INVALID',
      `schema: "drawbridge.key" names ${JSON.stringify(name)}, which is no field of the record`,
    )
  checkKeyType(field)
  return (value) => keyOf((value as Readonly<Record<string, unknown>>)[field.name], field.name)
}

function checkKeyType(field: FieldNode): void {
  const branches =
    field.type.kind === 'union' ? field.type.branches.filter((branch) => branch.kind !== 'null') : [field.type]
  const kinds = branches.map(jsKindOfNode)
  if (
    kinds.length === 1 &&
    kinds.every((kind) => kind === 'string' || kind === 'bytes' || kind === 'number' || kind === 'bigint')
  )
    return
  throw new DrawbridgeError(
    'ERR_SCHEMA_INVALID',
    `schema: "drawbridge.key" names the field ${JSON.stringify(field.name)} of type ${typeText(field.type)}; a key is a string, bytes or a number`,
  )
}

function keyOf(value: unknown, field: string): string | Uint8Array | null {
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw new DrawbridgeError('ERR_VALUE_INVALID', `${field}: expected a key, found ${foundText(value)}`, {
    details: { path: field },
  })
}
