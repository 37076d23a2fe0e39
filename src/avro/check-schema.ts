import avsc from 'avsc'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import { parseSchema, schemaJson } from './parse-schema.ts'
import type { SchemaNode } from './schema.ts'

/**
 * Parses a schema that we are about to publish: by our rules, which name the place, and by avsc as a second reader, so
 * that no schema gets out that only we understand. ERR_SCHEMA_INVALID.
 */
export function checkSchema(schema: unknown): SchemaNode {
  const node = parseSchema(schema)
  try {
    // A copy, because avsc keeps and fills what it is given; wrapped, because we have our own rule for unions.
    avsc.Type.forSchema(JSON.parse(JSON.stringify(schemaJson(schema))) as avsc.Schema, { wrapUnions: true })
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_SCHEMA_INVALID',
      `schema: ${errorText(error)} (found by avsc; other clients may refuse the schema, too)`,
      { cause: error },
    )
  }
  return node
}
