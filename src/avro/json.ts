import { DrawbridgeError, errorText } from '../core/errors.ts'
import { fromJson } from './json-to-value.ts'
import { toJson } from './value-to-json.ts'
import { parseSchema } from './parse-schema.ts'
import { isRefusal, refusalPath } from './refusal.ts'
import type { SchemaNode } from './schema.ts'
import { fromText, toText } from './text-values.ts'

/** A schema as JSON, as its text, or parsed (`parseSchema`), such as one field's type out of a record. */
export type SchemaLike = unknown

/**
 * A value of a topic as plain JSON, for people and files: bytes and fixed as `{ "base64": "…" }`, timestamps as ISO
 * text in UTC with three (millis) or six (micros) fraction digits, dates and decimals as text, longs beyond the safe
 * integers, NaN and the infinities as text. A union is `{ "branch": value }` if its branches share a form in JSON.
 * ERR_VALUE_INVALID names the path.
 */
export function valueToJson(schema: SchemaLike, value: unknown): unknown {
  return guarded(() => toJson(nodeOf(schema), value))
}

/**
 * The inverse of `valueToJson`. Also taken: whole numbers as text, decimals as numbers, timestamps as numbers since the
 * epoch in their own unit. A missing field takes the schema's default. ERR_VALUE_INVALID names the path of what is
 * missing, superfluous or of the wrong type.
 */
export function jsonToValue(schema: SchemaLike, json: unknown): unknown {
  return guarded(() => fromJson(nodeOf(schema), json))
}

/**
 * The value of a CSV cell. An empty text is null where the type is a union of null and another, text `""` (two quotes)
 * is then the empty string; a number, boolean, date, timestamp, decimal or uuid is read as in `jsonToValue`, spaces
 * around it ignored; types that have parts, bytes and other unions are JSON text. ERR_VALUE_INVALID.
 */
export function textToValue(schema: SchemaLike, text: string): unknown {
  return guarded(() => fromText(nodeOf(schema), text))
}

/** The inverse of `textToValue`: each value of the schema has a text of its own. ERR_VALUE_INVALID. */
export function valueToText(schema: SchemaLike, value: unknown): string {
  return guarded(() => toText(nodeOf(schema), value))
}

const parsed = new WeakMap<object, SchemaNode>()

function nodeOf(schema: SchemaLike): SchemaNode {
  if (typeof schema !== 'object' || schema === null) return parseSchema(schema)
  if ('kind' in schema && !('type' in schema)) return schema as SchemaNode
  const known = parsed.get(schema)
  if (known !== undefined) return known
  const node = parseSchema(schema)
  parsed.set(schema, node)
  return node
}

function guarded<V>(convert: () => V): V {
  try {
    return convert()
  } catch (error) {
    if (!isRefusal(error)) throw error
    const path = refusalPath(error)
    throw new DrawbridgeError('ERR_VALUE_INVALID', `${path === '' ? '' : `${path}: `}${errorText(error)}`, {
      cause: error,
      details: { path },
    })
  }
}
