import { resolve } from 'node:path'
import { errorText } from '../core/errors.ts'
import {
  type ConfigOf,
  type ConfigSpec,
  type Field,
  join,
  REDACTED,
  type ReadContext,
  readConfig,
  redact,
  secretsOf,
} from './config.ts'
import { urlSecrets } from './scrub.ts'
import { type ConfigNode, type Substitution, substitute } from './config-node.ts'

/** What every field says of itself. A field with neither `required` nor `default` may be left out and is then undefined. */
export interface FieldOptions<T> {
  readonly doc: string
  readonly required?: true
  readonly default?: T
}
/** Undefined only where the declaration lets the key be absent. */
export type Present<T, O> = O extends { readonly required: true }
  ? T
  : O extends { readonly default: unknown }
    ? T
    : T | undefined

interface Kind<T> {
  readonly type: string
  readonly fields?: ConfigSpec<Record<string, unknown>> | undefined
  read(node: ConfigNode, at: ReadContext): T | undefined
  redact?(value: T): unknown
  secrets?(value: T): readonly string[]
  absent?(at: ReadContext, place: string): T | undefined
}

function field<T, O extends FieldOptions<T>>(options: O, kind: Kind<T>): Field<Present<T, O>> {
  const built: Field<T> = {
    type: kind.type,
    doc: options.doc,
    required: options.required ?? false,
    default: options.default,
    fields: kind.fields,
    read: (node, at) => kind.read(node, at),
    absent: (at, place) => (kind.absent === undefined ? options.default : kind.absent(at, place)),
    redact: (value) => (kind.redact === undefined ? value : kind.redact(value)),
    secrets: (value) => kind.secrets?.(value) ?? [],
  }
  return built as unknown as Field<Present<T, O>>
}

/** Returns what is wrong with a value, or undefined. The message must not repeat the value of a secret. */
export type Check<T> = (value: T) => string | undefined

/** A text; `check` may refuse it. */
export function text<const O extends FieldOptions<string> & { readonly check?: Check<string> }>(options: O) {
  return field<string, O>(options, { type: 'text', read: (node, at) => readText(node, at, options.check) })
}

/** A text that is shown nowhere; may come from a file (`${file:/path}`). */
export function secret<const O extends FieldOptions<string> & { readonly check?: Check<string> }>(options: O) {
  return field<string, O>(options, {
    type: 'secret text',
    read: (node, at) =>
      readText(node, at, options.check ?? ((value) => (value === '' ? 'must not be empty' : undefined)), true),
    redact: () => REDACTED,
    secrets: (value) => [value],
  })
}

/** A path, absolute after parsing: a relative one starts at the configuration file's folder. */
export function path<const O extends FieldOptions<string>>(options: O) {
  return field<string, O>(options, {
    type: 'path',
    read(node, at) {
      const value = readText(node, at, (written) => (written === '' ? 'must not be empty' : undefined))
      return value === undefined ? undefined : resolve(at.baseDir, value)
    },
  })
}

/** An http or https URL; `check` may refuse it. User, password and query are not shown. */
export function url<const O extends FieldOptions<string> & { readonly check?: Check<string> }>(options: O) {
  return field<string, O>(options, {
    type: 'URL (http or https)',
    read: (node, at) =>
      readText(node, at, (value) => {
        const parsed = URL.canParse(value) ? new URL(value) : undefined
        return parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
          ? options.check?.(value)
          : 'must be a URL that begins with http:// or https://'
      }),
    redact: redactUrl,
    // A token may stand in the user's place.
    secrets: (value) => [new URL(value).username, ...urlSecrets(value)].filter((part) => part !== ''),
  })
}

/** The URL without user, password and query. */
export function redactUrl(value: string): string {
  const { protocol, host, pathname, search } = new URL(value)
  return `${protocol}//${host}${pathname}${search === '' ? '' : `?${REDACTED}`}`
}

export interface Bounds {
  readonly min?: number
  readonly max?: number
}

/** A whole number within bounds, both allowed. */
export function integer<const O extends FieldOptions<number> & Bounds>(options: O) {
  return field<number, O>(options, integerKind('integer', options))
}

/** A time span in whole milliseconds. */
export function durationMs<const O extends FieldOptions<number> & Bounds>(options: O) {
  return field<number, O>(options, integerKind('milliseconds', { min: 0, ...options }))
}

function integerKind(noun: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds): Kind<number> {
  const type = max === Number.MAX_SAFE_INTEGER ? `${noun}, at least ${min}` : `${noun}, ${min} to ${max}`
  return {
    type,
    read(node, at) {
      const scalar = readScalar(node, at)
      const value = scalar?.replaced === true && /^-?\d+$/.test(scalar.text) ? Number(scalar.text) : scalar?.value
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
      if (scalar !== undefined) wrong(node, at, type)
      return undefined
    },
  }
}

export function boolean<const O extends FieldOptions<boolean>>(options: O) {
  return field<boolean, O>(options, {
    type: 'true or false',
    read(node, at) {
      const scalar = readScalar(node, at)
      const value =
        scalar?.replaced === true && /^(true|false)$/.test(scalar.text) ? scalar.text === 'true' : scalar?.value
      if (typeof value === 'boolean') return value
      if (scalar !== undefined) wrong(node, at, 'true or false')
      return undefined
    },
  })
}

/** One of some words. */
export function choice<const V extends string, const O extends FieldOptions<NoInfer<V>>>(
  values: readonly V[],
  options: O,
) {
  const type = values.join(' | ')
  return field<V, O>(options, {
    type,
    read(node, at) {
      const written = readText(node, at)
      const value = values.find((candidate) => candidate === written)
      if (value === undefined && written !== undefined) wrong(node, at, type)
      return value
    },
  })
}

/** A list of values of one kind; with `atLeast` a shorter one is refused. */
export function list<T, const O extends FieldOptions<readonly T[]> & { readonly atLeast?: number }>(
  item: Field<T>,
  options: O,
) {
  const atLeast = options.atLeast ?? 0
  return field<readonly T[], O>(options, {
    type: `list of ${item.type}`,
    fields: item.fields,
    read(node, at) {
      if (node.kind !== 'list') return wrong(node, at, `a list of ${item.type}`, false)
      if (node.items.length < atLeast) return wrong(node, at, `a list of ${atLeast} or more`)
      const values = node.items.map((entry, index) => item.read(entry, { ...at, path: `${at.path}[${index}]` }))
      return values.some((value) => value === undefined) ? undefined : (values as readonly T[])
    },
    redact: (values) => values.map((value) => item.redact(value)),
    secrets: (values) => values.flatMap((value) => item.secrets(value)),
  })
}

/** Names of the user's choice, each with a value of one kind. `checkName` may refuse a name. */
export function map<
  T,
  const O extends FieldOptions<Readonly<Record<string, T>>> & { readonly checkName?: Check<string> },
>(item: Field<T>, options: O) {
  return field<Readonly<Record<string, T>>, O>(options, {
    type: `names, each with ${item.type}`,
    read(node, at) {
      if (node.kind !== 'map') return wrong(node, at, `names, each with ${item.type}`, false)
      const values: [string, T][] = []
      let sound = true
      for (const entry of node.entries) {
        const path = join(at.path, entry.key)
        const refusal = options.checkName?.(entry.key)
        if (refusal !== undefined) at.report({ place: entry.place, path, message: refusal })
        const value = item.read(entry.node, { ...at, path })
        if (value === undefined || refusal !== undefined) sound = false
        else values.push([entry.key, value])
      }
      return sound ? Object.fromEntries(values) : undefined
    },
    redact: (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, item.redact(value)])),
    secrets: (values) => Object.values(values).flatMap((value) => item.secrets(value)),
  })
}

/** Keys that belong together, below one key. Absent, its fields take their defaults. */
export function group<const S extends ConfigSpec<Record<string, unknown>>>(
  fields: S,
  options: { readonly doc: string; readonly required?: true },
) {
  const spec = fields as unknown as ConfigSpec<ConfigOf<S>>
  return field<ConfigOf<S>, { readonly doc: string; readonly required: true }>(
    { doc: options.doc, ...(options.required === undefined ? {} : { required: true }) } as {
      readonly doc: string
      readonly required: true
    },
    {
      type: 'keys below it',
      fields,
      read: (node, at) => readConfig(spec, node, at),
      absent: (at, place) => readConfig(spec, { kind: 'map', place, entries: [] }, at),
      redact: (value) => redact(spec, value),
      secrets: (value) => secretsOf(spec, value),
    },
  )
}

type ScalarText = Substitution & { readonly value: string | number | boolean | null }

function readScalar(node: ConfigNode, at: ReadContext, filesAllowed = false): ScalarText | undefined {
  if (node.kind !== 'scalar') {
    at.report({ place: node.place, path: at.path, message: 'must be a single value, not keys or a list' })
    return undefined
  }
  if (typeof node.value !== 'string') return { text: String(node.value), replaced: false, value: node.value }
  try {
    const substituted = substitute(node.value, at.env, filesAllowed)
    return { ...substituted, value: substituted.text }
  } catch (error) {
    at.report({ place: node.place, path: at.path, message: errorText(error) })
    return undefined
  }
}

/** Numbers and booleans are refused as text: YAML has changed them already (`007` would be 7). */
function readText(node: ConfigNode, at: ReadContext, check?: Check<string>, filesAllowed = false): string | undefined {
  const scalar = readScalar(node, at, filesAllowed)
  if (scalar === undefined) return undefined
  if (typeof scalar.value !== 'string') {
    at.report({ place: node.place, path: at.path, message: 'must be text; put it in quotes' })
    return undefined
  }
  const refusal = check?.(scalar.text)
  if (refusal === undefined) return scalar.text
  at.report({ place: node.place, path: at.path, message: refusal })
  return undefined
}

/** `shown: false` where what is written may be a secret in the wrong place. */
function wrong(node: ConfigNode, at: ReadContext, expected: string, shown = true): undefined {
  const written = shown && node.kind === 'scalar' ? `, not ${JSON.stringify(node.value)}` : ''
  at.report({ place: node.place, path: at.path, message: `must be ${expected}${written}` })
  return undefined
}
