import { Buffer } from 'node:buffer'
import { jsonIsWrapped } from './json-kinds.ts'
import { at, refuse } from './refusal.ts'
import {
  branchName,
  type FixedNode,
  jsKind,
  jsKindOfNode,
  type PrimitiveNode,
  type SchemaNode,
  typeText,
  type UnionNode,
  unionIsWrapped,
} from './schema.ts'
import { setOwn } from './set-own.ts'
import { microsText } from './time-text.ts'

type Json = Readonly<Record<string, unknown>>

/** A value as plain JSON, led by the schema; the forms are described at json.ts. Throws a refusal. */
export function toJson(node: SchemaNode, value: unknown): unknown {
  if (node.kind !== 'union' && jsKind(value) !== jsKindOfNode(node)) return refuse(typeText(node), value)
  switch (node.kind) {
    case 'array':
      return (value as readonly unknown[]).map((item, index) => at(index, () => toJson(node.items, item)))
    case 'map': {
      const json: Record<string, unknown> = {}
      for (const [key, item] of Object.entries(value as Json))
        setOwn(
          json,
          key,
          at(key, () => toJson(node.values, item)),
        )
      return json
    }
    case 'record':
      return Object.fromEntries(
        node.fields.map((field) => [field.name, at(field.name, () => toJson(field.type, (value as Json)[field.name]))]),
      )
    case 'union': {
      const [branch, inner] = chosen(node, value)
      const json = toJson(branch, inner)
      return branch.kind !== 'null' && jsonIsWrapped(node) ? { [branchName(branch)]: json } : json
    }
    case 'enum':
      return value
    default:
      return scalarToJson(node, value)
  }
}

function scalarToJson(node: PrimitiveNode | FixedNode, value: unknown): unknown {
  // Writing knows the limits of each logical type.
  node.logical?.toRaw(value)
  switch (node.logical?.name) {
    case 'timestamp-millis':
      return (value as Date).toISOString()
    case 'timestamp-micros':
      return microsText(value as bigint)
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    case 'date':
    case 'decimal':
    case 'uuid':
      return value
    case undefined:
      if (node.kind === 'bytes' || node.kind === 'fixed')
        return { base64: Buffer.from(value as Uint8Array).toString('base64') }
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  }
}

/** The branch that a value of a union is of, and the value without its wrapping. */
function chosen(union: UnionNode, value: unknown): readonly [branch: SchemaNode, inner: unknown] {
  const wrapped = unionIsWrapped(union)
  const name = wrapped && value !== null ? (Object.keys(value as object)[0] ?? '') : ''
  const kind = jsKind(value)
  const branch = union.branches.find((candidate) =>
    wrapped && value !== null ? branchName(candidate) === name : jsKindOfNode(candidate) === kind,
  )
  if (branch === undefined) return refuse(typeText(union), value)
  return [branch, wrapped && value !== null ? (value as Json)[name] : value]
}
