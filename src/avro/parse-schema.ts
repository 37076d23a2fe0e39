import { DrawbridgeError, errorText } from '../core/errors.ts'
import { defaultFactory } from './defaults.ts'
import { parseLogicalType } from './parse-logical-type.ts'
import { isRefusal, refusalPath } from './refusal.ts'
import {
  branchName,
  type EnumNode,
  type FieldNode,
  type FixedNode,
  type PrimitiveKind,
  type RecordNode,
  type SchemaNode,
} from './schema.ts'

/**
 * `own`: a schema of ours; a logical type that does not fit its type is an error. `foreign`: a writer's schema from a
 * registry; such a logical type is ignored, as Avro 1.12 asks of readers.
 */
export type SchemaOrigin = 'own' | 'foreign'

interface Context {
  readonly origin: SchemaOrigin
  readonly named: Map<string, SchemaNode>
  readonly defaults: (() => void)[]
}

interface Place {
  readonly space: string
  readonly path: string
  readonly depth: number
}

type Json = Readonly<Record<string, unknown>>

const PRIMITIVES = new Set<string>(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const COMPLEX = new Set<string>(['record', 'error', 'enum', 'fixed', 'array', 'map'])
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const MAX_SCHEMA_DEPTH = 200

/**
 * Parses a schema: JSON, or its text. Checks everything Avro 1.12 asks (names, duplicates, unions, defaults) and, for
 * `own` schemas, the logical types we know. ERR_SCHEMA_INVALID names the place in the schema, such as
 * `fields[2].type.items`.
 */
export function parseSchema(schema: unknown, origin: SchemaOrigin = 'own'): SchemaNode {
  const context: Context = { origin, named: new Map(), defaults: [] }
  const node = parseNode(schemaJson(schema), { space: '', path: '', depth: 0 }, context)
  for (const check of context.defaults) check()
  return node
}

/** The JSON of a schema given as JSON or as text; the bare name of a type is taken for a schema, too. */
export function schemaJson(schema: unknown): unknown {
  if (typeof schema !== 'string' || PRIMITIVES.has(schema)) return schema
  try {
    return JSON.parse(schema)
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_SCHEMA_INVALID',
      `the schema is neither a primitive type nor JSON (${errorText(error)}): ${schema.slice(0, 100)}`,
    )
  }
}

function invalid(path: string, problem: string): never {
  throw new DrawbridgeError('ERR_SCHEMA_INVALID', `schema${path === '' ? '' : ` at ${path}`}: ${problem}`, {
    details: { path },
  })
}

/** What does not fit is an error in a schema of ours and no logical type in a writer's. */
function problem(place: Place, context: Context): (text: string) => null {
  return (text) => (context.origin === 'own' ? invalid(place.path, text) : null)
}

function parseNode(schema: unknown, place: Place, context: Context): SchemaNode {
  if (place.depth > MAX_SCHEMA_DEPTH)
    invalid(place.path, `nested deeper than ${MAX_SCHEMA_DEPTH} levels; define named types and refer to them`)
  if (typeof schema === 'string') return reference(schema, place, context)
  if (Array.isArray(schema)) return union(schema, place, context)
  if (typeof schema !== 'object' || schema === null)
    invalid(
      place.path,
      `expected a type, found ${JSON.stringify(schema) ?? 'nothing'}${schema === null ? '; write "null" in quotes' : ''}`,
    )
  const json = schema as Json
  const { type } = json
  if (typeof type !== 'string') {
    if (type === undefined) invalid(place.path, 'the attribute "type" is missing')
    return parseNode(type, inside(place, 'type'), context)
  }
  if (PRIMITIVES.has(type))
    return { kind: type as PrimitiveKind, logical: parseLogicalType(json, type, null, problem(place, context)) }
  if (!COMPLEX.has(type)) return reference(type, place, context)
  if (type === 'array') return { kind: 'array', items: parseNode(json.items, inside(place, 'items'), context) }
  if (type === 'map') return { kind: 'map', values: parseNode(json.values, inside(place, 'values'), context) }
  return named(json, type, place, context)
}

function inside(place: Place, step: string, space = place.space): Place {
  return {
    space,
    path: place.path === '' || step.startsWith('[') ? place.path + step : `${place.path}.${step}`,
    depth: place.depth + 1,
  }
}

function reference(name: string, place: Place, context: Context): SchemaNode {
  if (PRIMITIVES.has(name)) return { kind: name as PrimitiveKind, logical: null }
  const full = name.includes('.') || place.space === '' ? name : `${place.space}.${name}`
  return (
    context.named.get(full) ??
    invalid(
      place.path,
      `unknown type ${JSON.stringify(full)}; define it before its first use${COMPLEX.has(name) ? `, or write { "type": "${name}", … }` : ''}`,
    )
  )
}

function union(schemas: readonly unknown[], place: Place, context: Context): SchemaNode {
  if (schemas.length === 0) invalid(place.path, 'a union needs at least one branch')
  const names = new Set<string>()
  const branches = schemas.map((schema, index) => {
    const branch = parseNode(schema, inside(place, `[${index}]`), context)
    if (branch.kind === 'union') invalid(`${place.path}[${index}]`, 'a union may not stand directly in a union')
    const name = branchName(branch)
    if (names.has(name))
      invalid(
        `${place.path}[${index}]`,
        `a second branch ${JSON.stringify(name)}; a union takes each unnamed type and each name once`,
      )
    names.add(name)
    return branch
  })
  return { kind: 'union', branches }
}

function named(json: Json, type: string, place: Place, context: Context): SchemaNode {
  const name = fullName(json.name, json.namespace, place)
  const space = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : ''
  if (context.named.has(name))
    invalid(place.path, `the name ${JSON.stringify(name)} is defined twice; refer to the first definition by its name`)
  const aliases = names(json.aliases, inside(place, 'aliases')).map((alias) =>
    alias.includes('.') || space === '' ? alias : `${space}.${alias}`,
  )
  const define = <N extends SchemaNode>(node: N): N => {
    context.named.set(name, node)
    return node
  }
  if (type === 'enum') return define(enumNode(json, name, aliases, place))
  if (type === 'fixed') {
    const { size } = json
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > 2 ** 31 - 1)
      invalid(place.path, `fixed ${name}: "size" has to be a whole number of bytes, found ${JSON.stringify(size)}`)
    return define({
      kind: 'fixed',
      name,
      aliases,
      size,
      logical: parseLogicalType(json, 'fixed', size, problem(place, context)),
    } satisfies FixedNode)
  }
  const fields: FieldNode[] = []
  const taken = new Set<string>()
  // Known before its fields are parsed: they may refer to it.
  const record = define({ kind: 'record', name, aliases, fields } satisfies RecordNode)
  if (!Array.isArray(json.fields)) invalid(place.path, `record ${name}: "fields" has to be an array`)
  for (const [index, field] of (json.fields as unknown[]).entries()) {
    const parsed = parseField(field, inside(inside(place, 'fields', space), `[${index}]`), context)
    if (taken.size === taken.add(parsed.name).size)
      invalid(`${inside(place, 'fields').path}[${index}]`, `a second field ${JSON.stringify(parsed.name)}`)
    fields.push(parsed)
  }
  return record
}

function parseField(field: unknown, place: Place, context: Context): FieldNode {
  if (typeof field !== 'object' || field === null)
    invalid(place.path, 'a field has to be an object with "name" and "type"')
  const json = field as Json
  if (typeof json.name !== 'string' || !NAME.test(json.name))
    invalid(
      place.path,
      `field name ${JSON.stringify(json.name)}: use letters, digits and _, not beginning with a digit`,
    )
  if (json.name === '__proto__') invalid(place.path, 'a field may not be named __proto__; rename it')
  const type = parseNode(json.type, inside(place, 'type'), context)
  const aliases = names(json.aliases, inside(place, 'aliases'))
  if (json.default === undefined) return { name: json.name, aliases, type, default: undefined }
  const make = defaultFactory(type, json.default)
  context.defaults.push(() => {
    try {
      make()
    } catch (error) {
      if (!isRefusal(error)) throw error
      invalid(
        `${place.path}.default${refusalPath(error) === '' ? '' : ` (${refusalPath(error)})`}`,
        `${error.message}; a default is JSON for the type${type.kind === 'union' ? ' of one branch of the union' : ''}`,
      )
    }
  })
  return { name: json.name, aliases, type, default: make }
}

function enumNode(json: Json, name: string, aliases: readonly string[], place: Place): EnumNode {
  const symbols = names(json.symbols ?? [], inside(place, 'symbols'))
  if (symbols.length === 0) invalid(place.path, `enum ${name}: "symbols" has to be an array of names`)
  const seen = new Set<string>()
  const twice = symbols.find((symbol) => seen.size === seen.add(symbol).size || !NAME.test(symbol))
  if (twice !== undefined)
    invalid(
      inside(place, 'symbols').path,
      `enum ${name}: symbol ${JSON.stringify(twice)} is used twice or is not a name`,
    )
  const fallback = json.default
  if (fallback !== undefined && !(symbols as readonly unknown[]).includes(fallback))
    invalid(place.path, `enum ${name}: default ${JSON.stringify(fallback)} is not one of its symbols`)
  return { kind: 'enum', name, aliases, symbols, default: fallback as string | undefined }
}

function fullName(name: unknown, namespace: unknown, place: Place): string {
  if (typeof name !== 'string') invalid(place.path, `the attribute "name" is missing or not text`)
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string')
    invalid(place.path, '"namespace" has to be text')
  const space = typeof namespace === 'string' ? namespace : place.space
  const full = name.includes('.') || space === '' ? name : `${space}.${name}`
  if (!full.split('.').every((part) => NAME.test(part)))
    invalid(
      place.path,
      `name ${JSON.stringify(full)}: each part between dots takes letters, digits and _, and does not begin with a digit`,
    )
  if (PRIMITIVES.has(full)) invalid(place.path, `the name ${JSON.stringify(full)} belongs to Avro; choose another`)
  return full
}

function names(value: unknown, place: Place): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string'))
    invalid(place.path, 'expected an array of names')
  return value
}
