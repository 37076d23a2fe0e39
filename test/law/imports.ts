import { posix } from 'node:path'
import type { SourceTree } from '../kit/source-tree.ts'
import { tokens, type Token } from './tokens.ts'

/** One import of a file. `target` is a path of the tree for relative imports, else the package's or builtin's name. */
export interface Import {
  readonly line: number
  readonly specifier: string
  readonly reExport: boolean
}

/** Every static, dynamic and type import of a source. A dynamic import of something computed has the specifier ''. */
export function importsOf(source: string): readonly Import[] {
  const list = tokens(source)
  const found: Import[] = []
  for (const [index, token] of list.entries()) {
    if (token.kind !== 'word' || list[index - 1]?.text === '.') continue
    if (token.text === 'import') {
      const one = importAt(list, index)
      if (one !== undefined) found.push(one)
    } else if (token.text === 'export') {
      const one = reExportAt(list, index)
      if (one !== undefined) found.push(one)
    }
  }
  return found
}

function importAt(list: readonly Token[], index: number): Import | undefined {
  const line = list[index]?.line ?? 0
  const next = list[index + 1]
  if (next === undefined || next.text === '.' || next.text === ':') return undefined
  if (next.kind === 'string') return { line, specifier: next.text, reExport: false }
  if (next.kind === 'mark' && next.text === '(') {
    const argument = list[index + 2]
    const end = list[index + 3]?.text
    const literal = argument?.kind === 'string' && (end === ')' || end === ',')
    return { line, specifier: literal ? argument.text : '', reExport: false }
  }
  return fromClause(list, index + 1, line, false)
}

function reExportAt(list: readonly Token[], index: number): Import | undefined {
  const start = list[index + 1]?.text === 'type' ? index + 2 : index + 1
  const first = list[start]?.text
  if (first !== '{' && first !== '*') return undefined
  return fromClause(list, start, list[index]?.line ?? 0, true)
}

/** Goes over names, braces, commas and stars to `from '…'`. */
function fromClause(list: readonly Token[], start: number, line: number, reExport: boolean): Import | undefined {
  for (let index = start; index < list.length; index++) {
    const token = list[index]
    if (token === undefined) return undefined
    if (token.kind === 'string') {
      if (list[index - 1]?.text === 'from') return { line, specifier: token.text, reExport }
      continue
    }
    if (token.kind !== 'word' && !'{},*'.includes(token.text)) return undefined
    if (list[index - 1]?.text === '}' && token.text !== 'from') return undefined
  }
  return undefined
}

/** Imports of a tree's files, relative ones resolved to paths of the tree. */
export function importGraph(tree: SourceTree): ReadonlyMap<string, readonly (Import & { readonly target: string })[]> {
  return new Map(
    [...tree].map(([path, text]) => [
      path,
      importsOf(text).map((one) => ({
        ...one,
        target: one.specifier.startsWith('.') ? posix.join(posix.dirname(path), one.specifier) : one.specifier,
      })),
    ]),
  )
}
