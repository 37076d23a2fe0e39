import { readFileSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { errorText } from '../core/errors.ts'

/** A configuration value with its place (`file:line:column`), free of the YAML library. */
export type ConfigNode = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: string
  /** As written, before substitution. */
  readonly value: string | number | boolean | null
}
export interface ListNode {
  readonly kind: 'list'
  readonly place: string
  readonly items: readonly ConfigNode[]
}
export interface MapNode {
  readonly kind: 'map'
  readonly place: string
  readonly entries: readonly { readonly key: string; readonly place: string; readonly node: ConfigNode }[]
}

export interface Problem {
  /** `file:line:column`. */
  readonly place: string
  /** Key path in the document: `config.retry.attempts`. */
  readonly path: string
  readonly message: string
}

/** Where problems go while a document is read; a reader reports and goes on, so that all are told at once. */
export type Report = (problem: Problem) => void

/** Expansions of YAML aliases allowed per file (an alias of an alias of … grows without bound). */
const MAX_ALIASES = 100

/** Every document of a YAML file as a node; syntax errors are reported with their place. Empty documents are left out. */
export function parseYaml(text: string, file: string, report: Report): readonly ConfigNode[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const nodes: ConfigNode[] = []
  for (const document of 'empty' in documents ? [] : documents) {
    for (const error of document.errors) {
      report({
        place: place(error.pos[0]),
        path: '',
        message: `not YAML: ${bareMessage(error.message)}`,
      })
    }
    if (document.errors.length > 0 || document.contents === null) continue
    let aliases = 0
    const convert = (node: Node | null | undefined, fallback: number): ConfigNode => {
      const at = place(node?.range?.[0] ?? fallback)
      if (node === null || node === undefined) return { kind: 'scalar', place: at, value: null }
      if (isAlias(node)) {
        const target = aliases++ < MAX_ALIASES ? node.resolve(document) : undefined
        if (target === undefined)
          report({ place: at, path: '', message: `alias *${node.source} cannot be followed; write the value out` })
        return convert(target, fallback)
      }
      if (isMap(node)) {
        const entries = node.items.map((pair) => {
          const key = pair.key as Node | null
          const keyAt = key?.range?.[0] ?? fallback
          if (!isScalar(key)) report({ place: place(keyAt), path: '', message: 'a key must be plain text' })
          return {
            key: isScalar(key) ? String(key.value) : '',
            place: place(keyAt),
            node: convert(pair.value as Node | null, keyAt),
          }
        })
        return { kind: 'map', place: at, entries }
      }
      if (isSeq(node))
        return { kind: 'list', place: at, items: node.items.map((item) => convert(item as Node, fallback)) }
      const value = isScalar(node) ? node.value : null
      if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
        return { kind: 'scalar', place: at, value }
      }
      return { kind: 'scalar', place: at, value: typeof value === 'bigint' ? value.toString() : null }
    }
    nodes.push(convert(document.contents, 0))
  }
  return nodes
}

/** The parser's first line without its own place and without quoted source, which may be a secret. */
function bareMessage(message: string): string {
  const first = message.split('\n')[0] ?? ''
  return first.replace(/ at line \d+, column \d+:?$/, '').replace(/:? "(?:[^"\\]|\\.)*"?/g, '')
}

export interface Substitution {
  readonly text: string
  /** Something was put in, so the text is not what stands in the file: never show it. */
  readonly replaced: boolean
}

/**
 * Puts environment variables in for `${NAME}`, and for secrets a file's content (last newline removed) for
 * `${file:/path}`; `$${` stands for `${`. Throws an Error with a message fit for a problem.
 */
export function substitute(text: string, env: NodeJS.ProcessEnv, filesAllowed: boolean): Substitution {
  let replaced = false
  const result = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (match, name: string | undefined, close: string | undefined) => {
      if (match === '$${') return '${'
      if (name === undefined || close !== '}')
        throw new Error('"${" is never closed; add "}", or write "$${" for the two characters themselves')
      replaced = true
      if (name.startsWith('file:')) {
        if (!filesAllowed) throw new Error('only a secret may come from a file; use an environment variable here')
        return readSecretFile(name.slice('file:'.length))
      }
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
        throw new Error(
          `"\${${name}}" is not the name of an environment variable; write "$\${" for the characters themselves`,
        )
      const value = env[name]
      if (value === undefined)
        throw new Error(
          `environment variable ${name} is not set; set it, or write "$\${" for the characters themselves`,
        )
      return value
    },
  )
  return { text: result, replaced }
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`cannot read the secret's file ${path}: ${errorText(error)}`, { cause: error })
  }
}
