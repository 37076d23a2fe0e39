import { type SchemaNode, type UnionNode, unionIsWrapped } from './schema.ts'

/** What a JSON value is. */
export type JsonKind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

/** The forms that the JSON of a branch may have. */
export function jsonKinds(node: SchemaNode): readonly JsonKind[] {
  switch (node.kind) {
    case 'null':
    case 'boolean':
    case 'array':
      return [node.kind]
    case 'string':
    case 'enum':
      return ['string']
    case 'int':
      return node.logical === null ? ['number'] : ['string']
    case 'long':
    case 'float':
    case 'double':
      return ['number', 'string']
    case 'bytes':
    case 'fixed':
      return node.logical === null ? ['object'] : ['string', 'number']
    case 'map':
    case 'record':
    case 'union':
      return ['object']
  }
}

/** Wrapped in JSON are the unions wrapped as values, and those whose branches share a form in JSON. */
export function jsonIsWrapped(union: UnionNode): boolean {
  const kinds = union.branches.flatMap(jsonKinds)
  return unionIsWrapped(union) || new Set(kinds).size < kinds.length
}
