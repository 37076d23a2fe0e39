import { Buffer } from 'node:buffer'
import { at, isRefusal, refuse } from './refusal.ts'
import { branchName, type FixedNode, type PrimitiveNode, type SchemaNode, typeText, unionIsWrapped } from './schema.ts'
import { setOwn } from './set-own.ts'

/**
 * Makes the value of a field's default, a fresh one at every call. The JSON is Avro's own (1.12, "Complex Types"):
 * bytes and fixed are text of the code points 0 to 255, a union's default fits one of its branches. Throws a refusal.
 */
export function defaultFactory(node: SchemaNode, json: unknown): () => unknown {
  return () => convert(node, json)
}

function convert(node: SchemaNode, json: unknown): unknown {
  switch (node.kind) {
    case 'null':
      return json === null ? null : refuse('null', json)
    case 'boolean':
      return typeof json === 'boolean' ? json : refuse('boolean', json)
    case 'float':
    case 'double':
      return typeof json === 'number' ? json : refuse(node.kind, json)
    case 'int':
      if (typeof json !== 'number' || json !== (json | 0)) return refuse('int', json)
      return node.logical === null ? json : node.logical.fromRaw(json)
    case 'long':
      if (typeof json !== 'number' || !Number.isSafeInteger(json)) return refuse('long', json)
      return node.logical === null ? json : node.logical.fromRaw(node.logical.bigLong ? BigInt(json) : json)
    case 'string':
      return typeof json === 'string' ? json : refuse('string', json)
    case 'bytes':
    case 'fixed':
      return bytesDefault(node, json)
    case 'enum':
      return typeof json === 'string' && node.symbols.includes(json)
        ? json
        : refuse(`one of ${node.symbols.join(', ')}`, json)
    case 'array':
      return Array.isArray(json)
        ? json.map((item, index) => at(index, () => convert(node.items, item)))
        : refuse('array', json)
    case 'map': {
      const value: Record<string, unknown> = {}
      for (const [key, item] of Object.entries(object(json)))
        setOwn(
          value,
          key,
          at(key, () => convert(node.values, item)),
        )
      return value
    }
    case 'record': {
      const given = object(json)
      const value: Record<string, unknown> = {}
      for (const field of node.fields) {
        if (Object.hasOwn(given, field.name))
          value[field.name] = at(field.name, () => convert(field.type, given[field.name]))
        else if (field.default !== undefined) value[field.name] = field.default()
        else at(field.name, () => refuse(typeText(field.type), undefined))
      }
      return value
    }
    case 'union':
      for (const branch of node.branches) {
        try {
          const value = convert(branch, json)
          return value === null || !unionIsWrapped(node) ? value : { [branchName(branch)]: value }
        } catch (error) {
          if (!isRefusal(error)) throw error
        }
      }
      return refuse(typeText(node), json)
  }
}

function bytesDefault(node: PrimitiveNode | FixedNode, json: unknown): unknown {
  const bytes = Buffer.from(typeof json === 'string' ? json : '', 'latin1')
  if (bytes.toString('latin1') !== json) return refuse('text of the code points 0 to 255', json)
  if (node.kind === 'fixed' && bytes.length !== node.size) return refuse(`${node.size} bytes`, bytes)
  return node.logical === null ? bytes : node.logical.fromRaw(bytes)
}

function object(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse('object', json)
  return json as Record<string, unknown>
}
