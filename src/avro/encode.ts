import { types } from 'node:util'
import { type Output, writeBigLong, writeBytes, writeDouble, writeFloat, writeLong, writeString } from './output.ts'
import { compileRecordWriter } from './record-code.ts'
import { addStep, refuse, refuseText } from './refusal.ts'
import {
  type ArrayNode,
  branchName,
  type EnumNode,
  type FixedNode,
  itemCost,
  type JsKind,
  jsKind,
  jsKindOfNode,
  type MapNode,
  type PrimitiveNode,
  type RecordNode,
  type SchemaNode,
  typeText,
  type UnionNode,
  unionIsWrapped,
} from './schema.ts'

/** Writes one value; throws a refusal for a value that is none of the schema. */
export type Write = (out: Output, value: unknown) => void

type Compilation = Map<SchemaNode, { write: Write }>

/**
 * A writer of the schema's values. It checks while it writes, in one pass. Refused are also what other writers drop
 * or bend: properties that are no fields, missing fields (a default is for readers), integers out of range, finite
 * numbers beyond a float, lone surrogates.
 */
export function compileWriter(node: SchemaNode): Write {
  return compile(node, new Map())
}

function compile(node: SchemaNode, all: Compilation): Write {
  switch (node.kind) {
    case 'array':
      return array(node, all)
    case 'map':
      return map(node, all)
    case 'union':
      return unionIsWrapped(node) ? wrappedUnion(node, all) : plainUnion(node, all)
    case 'record':
      return record(node, all)
    case 'enum':
      return enumeration(node)
    default: {
      const write = scalar(node)
      const { logical } = node
      return logical === null ? write : (out, value) => write(out, logical.toRaw(value))
    }
  }
}

function scalar(node: PrimitiveNode | FixedNode): Write {
  switch (node.kind) {
    case 'null':
      return (_, value) => (value === null ? undefined : refuse('null', value))
    case 'boolean':
      return (out, value) => writeLong(out, value === true ? -1 : value === false ? 0 : refuse('boolean', value))
    case 'int':
      return (out, value) =>
        writeLong(out, typeof value === 'number' && value === (value | 0) ? value : refuse('int (32 bits)', value))
    case 'long':
      if (node.logical?.bigLong === true) return (out, value) => writeBigLong(out, value as bigint)
      return (out, value) =>
        writeLong(
          out,
          typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse('long (a safe integer)', value),
        )
    case 'float':
      return (out, value) => writeFloat(out, typeof value === 'number' ? value : refuse('float', value))
    case 'double':
      return (out, value) => writeDouble(out, typeof value === 'number' ? value : refuse('double', value))
    case 'string':
      return (out, value) => writeString(out, typeof value === 'string' ? value : refuse('string', value))
    case 'bytes':
      return (out, value) => {
        const bytes = types.isUint8Array(value) ? value : refuse('bytes (Buffer or Uint8Array)', value)
        writeLong(out, bytes.length)
        writeBytes(out, bytes)
      }
    case 'fixed': {
      const { size } = node
      return (out, value) =>
        writeBytes(
          out,
          types.isUint8Array(value) && value.length === size
            ? value
            : refuse(`${size} bytes (Buffer or Uint8Array)`, value),
        )
    }
  }
}

function enumeration(node: EnumNode): Write {
  const indexes = new Map<unknown, number>(node.symbols.map((symbol, index) => [symbol, index]))
  const expected = `one of ${node.symbols.slice(0, 20).join(', ')}${node.symbols.length > 20 ? ', …' : ''}`
  return (out, value) => writeLong(out, indexes.get(value) ?? refuse(expected, value))
}

/** What could be written could otherwise not be read again. */
function takeItems(out: Output, count: number, cost: number): void {
  out.items -= count * cost
  if (out.items < 0) refuseText('more items in arrays and maps than the limit per record; split the value')
  if (--out.depth < 0) refuseText('nested deeper than the limit of levels, or cyclic')
}

function array(node: ArrayNode, all: Compilation): Write {
  const writeItem = compile(node.items, all)
  const cost = itemCost(node.items)
  return (out, value) => {
    const items: readonly unknown[] = Array.isArray(value) ? value : refuse('array', value)
    takeItems(out, items.length, cost)
    if (items.length > 0) writeLong(out, items.length)
    let index = 0
    try {
      for (; index < items.length; index++) writeItem(out, items[index])
    } catch (error) {
      throw addStep(error, index)
    }
    writeLong(out, 0)
    out.depth++
  }
}

function map(node: MapNode, all: Compilation): Write {
  const writeValue = compile(node.values, all)
  return (out, value) => {
    // A Map or Date has no own keys and would be stored as an empty map.
    if (Object.prototype.toString.call(value) !== '[object Object]') refuse('object (map)', value)
    const entries = value as Readonly<Record<string, unknown>>
    const keys = Object.keys(entries)
    takeItems(out, keys.length, 1)
    if (keys.length > 0) writeLong(out, keys.length)
    for (const key of keys) {
      try {
        writeString(out, key)
        writeValue(out, entries[key])
      } catch (error) {
        throw addStep(error, key)
      }
    }
    writeLong(out, 0)
    out.depth++
  }
}

function record(node: RecordNode, all: Compilation): Write {
  const known = all.get(node)
  if (known !== undefined) return (out, value) => known.write(out, value)
  const holder: { write: Write } = { write: () => {} }
  all.set(node, holder)
  const names = new Set(node.fields.map((field) => field.name))
  holder.write = compileRecordWriter({
    names: [...names],
    writes: node.fields.map((field) => compile(field.type, all)),
    text: typeText(node),
    checkExtra(value) {
      const extra = Object.entries(value).find(([name, given]) => !names.has(name) && given !== undefined)
      if (extra === undefined) return
      try {
        refuseText(`no such field in record ${node.name}, so it would be lost; remove it, or add it to the schema`)
      } catch (error) {
        throw addStep(error, extra[0])
      }
    },
  })
  return holder.write
}

function plainUnion(node: UnionNode, all: Compilation): Write {
  const byKind = new Map<JsKind | undefined, { index: number; write: Write }>(
    node.branches.map((branch, index) => [jsKindOfNode(branch), { index, write: compile(branch, all) }]),
  )
  const expected = typeText(node)
  return (out, value) => {
    const branch = byKind.get(jsKind(value)) ?? refuse(expected, value)
    writeLong(out, branch.index)
    branch.write(out, value)
  }
}

function wrappedUnion(node: UnionNode, all: Compilation): Write {
  const byName = new Map(
    node.branches.map((branch, index) => [branchName(branch), { index, write: compile(branch, all) }]),
  )
  const expected = `${byName.has('null') ? 'null or ' : ''}{ branch: value } with one of the branches ${[...byName.keys()].filter((name) => name !== 'null').join(', ')}`
  return (out, value) => {
    if (value === null) return writeLong(out, byName.get('null')?.index ?? refuse(expected, value))
    const keys = typeof value === 'object' ? Object.keys(value) : []
    const name = keys.length === 1 && keys[0] !== 'null' ? keys[0] : undefined
    const branch = byName.get(name ?? '') ?? refuse(expected, value)
    writeLong(out, branch.index)
    try {
      branch.write(out, (value as Readonly<Record<string, unknown>>)[name ?? ''])
    } catch (error) {
      throw addStep(error, name ?? '')
    }
  }
}
