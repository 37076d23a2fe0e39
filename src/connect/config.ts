import type { ConfigNode, Report } from './config-node.ts'
import { nearest } from './nearest.ts'

/** One key of a configuration, declared as data: parsing, help, documentation and redaction all come from it. */
export interface Field<T> {
  /** What may stand there, in words: `text`, `integer, 1 to 65535`. */
  readonly type: string
  readonly doc: string
  readonly required: boolean
  /** Taken where the key is absent; shown in help. */
  readonly default: T | undefined
  /** Keys below this one, for help and documentation. */
  readonly fields: ConfigSpec<Record<string, unknown>> | undefined
  /** The value; undefined after reporting what is wrong. Never puts a value into a report that is not written in the file. */
  read(node: ConfigNode, at: ReadContext): T | undefined
  /** What takes the place of an absent key that is not required. */
  absent(at: ReadContext, place: string): T | undefined
  /** The value as status and logs may show it. */
  redact(value: T): unknown
  /** Texts that may appear nowhere. */
  secrets(value: T): readonly string[]
}

export interface ReadContext {
  readonly path: string
  /** Relative paths start here. */
  readonly baseDir: string
  readonly env: NodeJS.ProcessEnv
  readonly report: Report
}

/** A configuration's keys. `C` is the type of the parsed configuration. */
export type ConfigSpec<C> = { readonly [K in keyof C]: Field<C[K]> }
/** The parsed type of a spec: `ConfigOf<typeof spec>`. */
export type ConfigOf<S> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never }

export const REDACTED = '***'

/** Reads a map by a spec, reporting every problem: unknown and missing keys and whatever the fields find. Undefined after a report. */
export function readConfig<C>(spec: ConfigSpec<C>, node: ConfigNode, at: ReadContext): C | undefined {
  let sound = true
  const report: Report = (problem) => {
    sound = false
    at.report(problem)
  }
  if (node.kind !== 'map') {
    report({ place: node.place, path: at.path, message: 'must hold keys and values' })
    return undefined
  }
  const fields = fieldsOf(spec)
  const result: Record<string, unknown> = {}
  for (const entry of node.entries) {
    if (fields.has(entry.key)) continue
    const near = nearest(entry.key, [...fields.keys()])
    const hint = near === undefined ? `use one of ${[...fields.keys()].join(', ')}` : `did you mean "${near}"?`
    report({ place: entry.place, path: join(at.path, entry.key), message: `unknown key; ${hint}` })
  }
  for (const [name, field] of fields) {
    const below = { ...at, path: join(at.path, name), report }
    const entry = node.entries.find((candidate) => candidate.key === name)
    if (entry !== undefined && !(entry.node.kind === 'scalar' && entry.node.value === null)) {
      result[name] = field.read(entry.node, below)
    } else if (field.required) {
      report({
        place: entry?.place ?? node.place,
        path: below.path,
        message: `missing; expected ${field.type}: ${field.doc}`,
      })
    } else {
      result[name] = field.absent(below, node.place)
    }
  }
  return sound ? (result as C) : undefined
}

/** The configuration as status and logs may show it: secrets replaced, credentials of URLs blotted out. */
export function redact<C>(spec: ConfigSpec<C>, config: C): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, field] of fieldsOf(spec)) {
    const value = (config as Record<string, unknown>)[name]
    if (value !== undefined) shown[name] = field.redact(value)
  }
  return shown
}

/** Every secret text the configuration holds, for scrubbing what others print. */
export function secretsOf<C>(spec: ConfigSpec<C>, config: C): readonly string[] {
  return [...fieldsOf(spec)].flatMap(([name, field]) => {
    const value = (config as Record<string, unknown>)[name]
    return value === undefined ? [] : field.secrets(value)
  })
}

export function fieldsOf<C>(spec: ConfigSpec<C>): ReadonlyMap<string, Field<unknown>> {
  return new Map(Object.entries(spec as Record<string, Field<unknown>>))
}

export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
