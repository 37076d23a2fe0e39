import { Buffer } from 'node:buffer'
import { DEFAULT_LIMITS } from './cursor.ts'
import { type JsonKind, jsonIsWrapped, jsonKinds } from './json-kinds.ts'
import { at, refuse, refuseText } from './refusal.ts'
import {
  branchName,
  type FixedNode,
  type PrimitiveNode,
  type SchemaNode,
  typeText,
  type UnionNode,
  unionIsWrapped,
} from './schema.ts'
import { setOwn } from './set-own.ts'
import { parseMicros, parseMillis } from './time-text.ts'

type Json = Readonly<Record<string, unknown>>

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The value of plain JSON, led by the schema; the forms are described at json.ts. Throws a refusal. */
export function fromJson(node: SchemaNode, json: unknown, depth = DEFAULT_LIMITS.maxDepth): unknown {
  if (depth < 0) refuseText(`nested deeper than ${DEFAULT_LIMITS.maxDepth} levels`)
  switch (node.kind) {
    case 'array':
      return Array.isArray(json)
        ? json.map((item, index) => at(index, () => fromJson(node.items, item, depth - 1)))
        : refuse('array', json)
    case 'map': {
      const value: Record<string, unknown> = {}
      for (const [key, item] of Object.entries(object(json, 'object (map)')))
        setOwn(
          value,
          key,
          at(key, () => fromJson(node.values, item, depth - 1)),
        )
      return value
    }
    case 'record': {
      const given = object(json, `object (${typeText(node)})`)
      const extra = Object.keys(given).find((name) => !node.fields.some((field) => field.name === name))
      if (extra !== undefined)
        at(extra, () =>
          refuseText(
            `no such field in record ${node.name}; its fields are ${node.fields.map((field) => field.name).join(', ')}`,
          ),
        )
      const value: Record<string, unknown> = {}
      for (const { name, type, default: fallback } of node.fields) {
        const item = Object.hasOwn(given, name) ? given[name] : undefined
        value[name] =
          item === undefined && fallback !== undefined ? fallback() : at(name, () => fromJson(type, item, depth - 1))
      }
      return value
    }
    case 'union':
      return unionFromJson(node, json, depth)
    case 'enum':
      return typeof json === 'string' && node.symbols.includes(json)
        ? json
        : refuse(`one of ${node.symbols.join(', ')}`, json)
    default:
      return scalarFromJson(node, json)
  }
}

function unionFromJson(node: UnionNode, json: unknown, depth: number): unknown {
  const wrapped = jsonIsWrapped(node)
  const names = node.branches.map(branchName)
  const keys = typeof json === 'object' && json !== null ? Object.keys(json) : []
  const key = wrapped && json !== null && keys.length === 1 ? keys[0] : undefined
  const kind = json === null ? 'null' : Array.isArray(json) ? 'array' : (typeof json as JsonKind)
  const branch = node.branches.find((candidate) => {
    if (candidate.kind === 'null') return json === null
    return wrapped ? branchName(candidate) === key : jsonKinds(candidate).includes(kind)
  })
  if (branch === undefined)
    return wrapped
      ? refuse(`{ "branch": value } with one of the branches ${names.join(', ')}`, json)
      : refuse(typeText(node), json)
  if (!wrapped || branch.kind === 'null') return fromJson(branch, json, depth)
  const value = at(key ?? '', () => fromJson(branch, (json as Json)[key ?? ''], depth - 1))
  return unionIsWrapped(node) ? { [branchName(branch)]: value } : value
}

function scalarFromJson(node: PrimitiveNode | FixedNode, json: unknown): unknown {
  const value = scalarValue(node, json)
  // Writing knows the limits of each logical type.
  node.logical?.toRaw(value)
  return value
}

function scalarValue(node: PrimitiveNode | FixedNode, json: unknown): unknown {
  switch (node.logical?.name) {
    case 'timestamp-millis':
      return parseMillis(json)
    case 'timestamp-micros':
      return parseMicros(json)
    case 'bigint':
      return BigInt(integer(json, 'long') as number | string)
    case 'decimal': {
      const text = typeof json === 'number' ? String(json) : json
      return node.logical.fromRaw(node.logical.toRaw(text))
    }
    case 'date':
    case 'uuid':
      return json
    case undefined:
  }
  switch (node.kind) {
    case 'int': {
      const value = Number(integer(json, 'int'))
      return value === (value | 0) ? value : refuse('int (32 bits)', json)
    }
    case 'long': {
      const value = Number(integer(json, 'long'))
      return Number.isSafeInteger(value) ? value : refuse('long (a safe integer)', json)
    }
    case 'float':
    case 'double': {
      if (typeof json === 'string' && Object.hasOwn(SPECIAL, json)) return SPECIAL[json]
      if (typeof json !== 'number') return refuse(`${node.kind} (a number, or NaN, Infinity, -Infinity as text)`, json)
      // JSON has no infinity: such a number was written beyond the range, as 1e400.
      const inRange = Number.isFinite(node.kind === 'float' ? Math.fround(json) : json)
      return inRange
        ? json
        : refuse(`${node.kind}, which does not reach that far; write "Infinity" if it is meant`, json)
    }
    case 'bytes':
    case 'fixed':
      return base64(node, json)
    case 'null':
      return json === null ? null : refuse('null', json)
    case 'boolean':
    case 'string':
      return typeof json === node.kind ? json : refuse(node.kind, json)
  }
}

function integer(json: unknown, type: string): unknown {
  if (typeof json === 'number' && Number.isSafeInteger(json)) return json
  return typeof json === 'string' && /^-?\d{1,19}$/.test(json)
    ? json
    : refuse(`${type} (a whole number; beyond ±(2^53 - 1) as text)`, json)
}

function base64(node: PrimitiveNode | FixedNode, json: unknown): Buffer {
  const text =
    typeof json === 'object' && json !== null && Object.keys(json).length === 1 ? (json as Json).base64 : undefined
  if (typeof text !== 'string' || !BASE64.test(text)) return refuse('{ "base64": "…" }', json)
  const bytes = Buffer.from(text, 'base64')
  return node.kind === 'fixed' && bytes.length !== node.size ? refuse(`${node.size} bytes`, bytes) : bytes
}

function object(json: unknown, expected: string): Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : refuse(expected, json)
}
