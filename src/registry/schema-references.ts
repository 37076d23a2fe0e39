import { DrawbridgeError, readProperty } from '../core/errors.ts'
import { schemaJson } from '../avro/parse-schema.ts'

/** A named type that a schema uses and another subject defines. Source: Confluent, "Schema references". */
export interface SchemaReference {
  /** Full name of the type. */
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface ReferringSchema {
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

/** More would be a circle, or a server that never ends. */
const MAX_REFERENCES = 1_000
const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

type Json = Readonly<Record<string, unknown>>

/** A definition and the namespace that its place gives it. */
interface Definition {
  readonly json: Json
  readonly space: string
}

/**
 * The schema as one text that needs no other: each type defined elsewhere is written out where it is used first. `look`
 * gives what a subject's version says, or null. ERR_SCHEMA_UNKNOWN, ERR_SCHEMA_INVALID.
 */
export async function writeOut(
  root: ReferringSchema,
  look: (reference: SchemaReference) => Promise<ReferringSchema | null>,
): Promise<string> {
  if (root.references.length === 0) return root.schema
  const definitions = new Map<string, Definition>()
  const met = new Set<string>()
  const waiting = [...root.references]
  for (let reference = waiting.pop(); reference !== undefined; reference = waiting.pop()) {
    const key = JSON.stringify([reference.subject, reference.version])
    if (met.size === met.add(key).size) continue
    const found = met.size > MAX_REFERENCES ? null : await look(reference)
    if (found === null)
      throw new DrawbridgeError(
        'ERR_SCHEMA_UNKNOWN',
        `the schema refers to subject ${reference.subject} version ${reference.version}, which is not there (or it refers to more than ${MAX_REFERENCES})`,
      )
    collect(schemaJson(found.schema), '', definitions)
    waiting.push(...found.references)
  }
  return JSON.stringify(write(schemaJson(root.schema), '', definitions, new Set()))
}

/** The references of a body or an answer; null where they are none of ours to read. */
export function parseReferences(value: unknown): readonly SchemaReference[] | null {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return null
  const list = value.map((each: unknown) => ({
    name: readProperty(each, 'name'),
    subject: readProperty(each, 'subject'),
    version: readProperty(each, 'version'),
  }))
  const sound = list.every(
    ({ name, subject, version }) =>
      typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version) && Number(version) > 0,
  )
  return sound ? (list as readonly SchemaReference[]) : null
}

/** Every named type that a schema defines, at whatever depth. */
function collect(node: unknown, space: string, definitions: Map<string, Definition>): void {
  if (Array.isArray(node)) for (const each of node as unknown[]) collect(each, space, definitions)
  if (!isJson(node)) return
  const named = nameOf(node, space)
  if (named !== null && !definitions.has(named.full)) definitions.set(named.full, { json: node, space })
  for (const each of partsOf(node)) collect(each, named?.space ?? space, definitions)
}

/** The same schema with what is used and not yet defined put in its place. */
function write(
  node: unknown,
  space: string,
  definitions: ReadonlyMap<string, Definition>,
  defined: Set<string>,
): unknown {
  const on = (part: unknown, inside = space): unknown => write(part, inside, definitions, defined)
  if (typeof node === 'string') {
    const full = node.includes('.') || space === '' ? node : `${space}.${node}`
    const definition = PRIMITIVES.has(node) || defined.has(full) ? undefined : definitions.get(full)
    return definition === undefined ? node : on(definition.json, definition.space)
  }
  if (Array.isArray(node)) return node.map((each) => on(each))
  if (!isJson(node)) return node
  const named = nameOf(node, space)
  if (named === null) {
    const parts = ['type', 'items', 'values'].filter((part) => part in node)
    return { ...node, ...Object.fromEntries(parts.map((part) => [part, on(node[part])])) }
  }
  if (defined.has(named.full)) return named.full
  defined.add(named.full)
  // A name that says its namespace means the same wherever it is put.
  const placed = {
    ...node,
    name: named.full.slice(named.space === '' ? 0 : named.space.length + 1),
    namespace: named.space,
  }
  if (!Array.isArray(node['fields'])) return placed
  const fields = (node['fields'] as unknown[]).map((field) =>
    isJson(field) ? { ...field, type: on(field['type'], named.space) } : field,
  )
  return { ...placed, fields }
}

function partsOf(node: Json): readonly unknown[] {
  const fields: readonly unknown[] = Array.isArray(node['fields']) ? node['fields'] : []
  return [node['type'], node['items'], node['values'], ...fields.map((field) => readProperty(field, 'type'))]
}

function nameOf(node: Json, space: string): { readonly full: string; readonly space: string } | null {
  const { type, name, namespace } = node
  if (typeof name !== 'string' || !['record', 'error', 'enum', 'fixed'].includes(String(type))) return null
  const around = typeof namespace === 'string' ? namespace : space
  const full = name.includes('.') || around === '' ? name : `${around}.${name}`
  return { full, space: full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '' }
}

function isJson(node: unknown): node is Json {
  return typeof node === 'object' && node !== null && !Array.isArray(node)
}
