import { types } from 'node:util'
import type { LogicalType } from './logical-types.ts'

/**
 * A parsed Avro schema as a graph: names are resolved, so a recursive schema is a cycle. Built by parse-schema.ts and
 * never changed afterwards.
 */
export type SchemaNode = PrimitiveNode | FixedNode | EnumNode | ArrayNode | MapNode | UnionNode | RecordNode

export type PrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface PrimitiveNode {
  readonly kind: PrimitiveKind
  /** Null too where the writer names a logical type that we do not know or that does not fit (Avro 1.12: ignored). */
  readonly logical: LogicalType | null
}

interface NamedNode {
  /** Full name. */
  readonly name: string
  readonly aliases: readonly string[]
}

export interface FixedNode extends NamedNode {
  readonly kind: 'fixed'
  readonly size: number
  readonly logical: LogicalType | null
}

export interface EnumNode extends NamedNode {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly default: string | undefined
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly items: SchemaNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly values: SchemaNode
}

export interface UnionNode {
  readonly kind: 'union'
  readonly branches: readonly SchemaNode[]
}

export interface RecordNode extends NamedNode {
  readonly kind: 'record'
  readonly fields: readonly FieldNode[]
}

export interface FieldNode {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: SchemaNode
  /** A fresh value at every call. */
  readonly default: (() => unknown) | undefined
}

const MAX_MIN_BYTES = 2 ** 31

/** What a value of a branch is in JavaScript, as far as a union can tell. */
export type JsKind = 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'bytes' | 'Date' | 'array' | 'object'

export function jsKindOfNode(node: SchemaNode): JsKind {
  switch (node.kind) {
    case 'null':
    case 'boolean':
    case 'array':
      return node.kind
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'bytes':
    case 'fixed':
    case 'string':
      return (
        node.logical?.jsKind ??
        (node.kind === 'fixed' || node.kind === 'bytes' ? 'bytes' : node.kind === 'string' ? 'string' : 'number')
      )
    case 'enum':
      return 'string'
    case 'map':
    case 'record':
    case 'union':
      return 'object'
  }
}

/** The kind of a value; undefined for what no branch takes. */
export function jsKind(value: unknown): JsKind | undefined {
  const type = typeof value
  if (type !== 'object')
    return type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint' ? type : undefined
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (types.isUint8Array(value)) return 'bytes'
  return types.isDate(value) ? 'Date' : 'object'
}

/** Whether values of the union are `{ 'branch name': value }`; the same rule as `AvroValue` in infer.ts. */
export function unionIsWrapped(union: UnionNode): boolean {
  return new Set(union.branches.map(jsKindOfNode)).size < union.branches.length
}

/** The full name of a named type, the Avro type of any other (Avro 1.12, JSON encoding). */
export function branchName(node: SchemaNode): string {
  return 'name' in node ? node.name : node.kind
}

/** How messages call a type: `long`, `decimal(9,2)`, `enum shop.State`. */
export function typeText(node: SchemaNode): string {
  if (node.kind === 'union') return node.branches.map(typeText).join(' or ')
  if ('logical' in node && node.logical !== null) return node.logical.text
  return 'name' in node ? `${node.kind} ${node.name}` : node.kind
}

const least = new WeakMap<SchemaNode, number>()

/** Fewest bytes a value can take; 0 for what takes none, such as null and a record without fields. */
export function minBytes(node: SchemaNode): number {
  switch (node.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return node.size
    case 'record': {
      const known = least.get(node)
      if (known !== undefined) return known
      // A record that holds itself counts for nothing within itself.
      least.set(node, 0)
      const bytes = node.fields.reduce((sum, field) => Math.min(sum + minBytes(field.type), MAX_MIN_BYTES), 0)
      least.set(node, bytes)
      return bytes
    }
    default:
      return 1
  }
}

/**
 * What an item counts for in the limit of items. Items that take bytes are bounded by the record's size, too; a few
 * bytes could ask for any number of those that take none, so one of them counts for a hundred.
 */
export function itemCost(node: SchemaNode): number {
  return minBytes(node) === 0 ? 100 : 1
}

/** The name without its namespace. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
