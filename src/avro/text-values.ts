import { errorText } from '../core/errors.ts'
import { fromJson } from './json-to-value.ts'
import { toJson } from './value-to-json.ts'
import { refuse, refuseText } from './refusal.ts'
import { jsKind, jsKindOfNode, type SchemaNode, typeText } from './schema.ts'

/** Values as the text of one CSV cell and back. Both throw refusals. The forms are described at json.ts. */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const ONLY_QUOTES = /^"*$/

/** The other branch of a union of null and one type. */
function optional(node: SchemaNode): SchemaNode | undefined {
  if (node.kind !== 'union' || node.branches.length !== 2) return undefined
  const others = node.branches.filter((branch) => branch.kind !== 'null')
  return others.length === 1 ? others[0] : undefined
}

export function fromText(node: SchemaNode, text: string): unknown {
  const inner = optional(node)
  if (inner !== undefined) {
    if (text === '') return null
    return fromText(inner, isText(inner) ? unquoted(text) : text)
  }
  if (isText(node)) return text
  switch (node.kind) {
    case 'null':
      return text === '' ? null : refuse('an empty text (null)', text)
    case 'boolean': {
      const word = text.trim().toLowerCase()
      return word === 'true' ? true : word === 'false' ? false : refuse('true or false', text)
    }
    case 'float':
    case 'double':
      return number(text.trim(), node.kind)
    case 'enum':
      return fromJson(node, text)
    case 'int':
    case 'long':
    case 'string':
      return fromJson(node, text.trim())
    case 'bytes':
    case 'fixed':
      return node.logical === null ? json(node, text) : fromJson(node, text.trim())
    default:
      return json(node, text)
  }
}

export function toText(node: SchemaNode, value: unknown): string {
  const inner = optional(node)
  if (inner !== undefined) {
    if (value === null) return ''
    const text = toText(inner, value)
    return isText(inner) ? quoted(text) : text
  }
  if (node.kind !== 'union' && jsKind(value) !== jsKindOfNode(node)) return refuse(typeText(node), value)
  if (isText(node)) return value as string
  switch (node.kind) {
    case 'null':
      return ''
    case 'float':
    case 'double':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
    case 'enum':
      return String(toJson(node, value))
    case 'bytes':
    case 'fixed':
      return node.logical === null ? JSON.stringify(toJson(node, value)) : (toJson(node, value) as string)
    default:
      return JSON.stringify(toJson(node, value))
  }
}

function isText(node: SchemaNode): boolean {
  return node.kind === 'string' && node.logical === null
}

/**
 * The empty text is null, so a text of nothing but quotes, the empty one among them, gets two more: every text has a
 * cell of its own. Odd counts cannot be mistaken and stay.
 */
function quoted(text: string): string {
  return ONLY_QUOTES.test(text) && text.length % 2 === 0 ? `""${text}` : text
}

function unquoted(text: string): string {
  return ONLY_QUOTES.test(text) && text.length % 2 === 0 ? text.slice(2) : text
}

/** A number beyond the type's range would become Infinity; only a text that says so, as `toText` writes it, is. */
function number(text: string, kind: 'float' | 'double'): number {
  if (text === 'NaN') return Number.NaN
  if (/^-?Infinity$/.test(text)) return Number(text)
  const value = NUMBER.test(text) ? Number(text) : refuse(`${kind} such as -12.5 or 1e-7`, text)
  return Number.isFinite(kind === 'float' ? Math.fround(value) : value)
    ? value
    : refuse(`${kind}, which does not reach that far; write Infinity or -Infinity if it is meant`, text)
}

function json(node: SchemaNode, text: string): unknown {
  let parsed: unknown
  try {
    parsed = JSON.parse(text, refuseOverflow)
  } catch (error) {
    refuseText(`expected JSON text, found ${JSON.stringify(text.slice(0, 60))} (${errorText(error)})`)
  }
  return fromJson(node, parsed)
}

/** JSON has no infinity: a number beyond the range of a double was read as one. */
function refuseOverflow(_key: string, value: unknown): unknown {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw new Error('a number is beyond the range of a double; write "Infinity" or "-Infinity" if it is meant')
  return value
}
