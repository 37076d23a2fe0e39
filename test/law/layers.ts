import { isBuiltin } from 'node:module'
import type { SourceTree } from '../kit/source-tree.ts'
import { importGraph } from './imports.ts'

interface Layer {
  /** Layers it may import, besides its own. */
  readonly may: readonly string[]
  /** npm packages it may import; absent: any. */
  readonly packages?: readonly string[]
}

/** The layers of design and ARCHITECTURE.md: imports point one way. */
const LAYERS: Readonly<Record<string, Layer>> = {
  schemas: { may: [], packages: ['drawbridge'] },
  core: { may: [], packages: [] },
  avro: { may: ['core'], packages: ['avsc'] },
  registry: { may: ['core', 'avro'] },
  // Files beside open.ts, such as a hash that several brokers share.
  'backend-common': { may: ['core'], packages: ['yaml'] },
  backend: { may: ['core', 'backend-common'] },
  backends: { may: ['core', 'backend', 'backend-common'], packages: [] },
  'open-broker': { may: ['core', 'avro', 'registry', 'backends'] },
  connect: { may: ['core', 'avro', 'registry', 'open-broker', 'connector-table'] },
  'connector-table': { may: ['connect', 'connector'], packages: [] },
  connector: { may: ['core', 'avro', 'connect'] },
  index: { may: ['core', 'avro', 'registry', 'open-broker', 'connect'], packages: [] },
  cli: {
    may: [
      'schemas',
      'core',
      'avro',
      'registry',
      'backend',
      'backends',
      'open-broker',
      'connect',
      'connector',
      'connector-table',
      'index',
    ],
  },
}

/** Layers of which each folder stands alone: never another backend, never another connector. */
const ALONE = new Set(['backend', 'connector'])
const RE_EXPORTER = 'src/index.ts'
/** Names every connector's folder and loads it when used: the one place of connect that may. */
const CONNECTOR_TABLE = 'src/connect/types.ts'

/** Every import that points the wrong way, re-exports elsewhere, or closes a circle; sorted, one line each. */
export function importBreaches(tree: SourceTree): readonly string[] {
  const breaches: string[] = []
  for (const [path, imports] of importGraph(tree)) {
    const from = placeOf(path)
    if (from === undefined) {
      breaches.push(`${path}: belongs to no layer; put it into a folder of ARCHITECTURE.md`)
      continue
    }
    for (const one of imports) {
      const wrong = wrongImport(tree, path, from, one)
      if (wrong !== undefined) breaches.push(`${path}:${one.line}: ${wrong}`)
    }
  }
  return [...breaches, ...circles(tree)].sort()
}

function wrongImport(
  tree: SourceTree,
  path: string,
  from: Place,
  one: { readonly specifier: string; readonly target: string; readonly reExport: boolean },
): string | undefined {
  if (one.specifier === '') return 'a computed import hides its target; write it out'
  if (one.reExport && path !== RE_EXPORTER) return `re-exports ${one.specifier}; only ${RE_EXPORTER} may`
  if (!one.specifier.startsWith('.')) {
    const allowed = LAYERS[from.layer]?.packages
    if (isBuiltin(one.specifier)) return one.specifier.startsWith('node:') ? undefined : `write node:${one.specifier}`
    return allowed === undefined || allowed.includes(one.specifier)
      ? undefined
      : `${from.layer} may not import the package ${one.specifier}`
  }
  const to = placeOf(one.target)
  if (!tree.has(one.target)) return `imports ${one.specifier}, which is no source file`
  if (to === undefined) return `imports ${one.specifier}, which belongs to no layer`
  if (to.layer === from.layer) {
    return ALONE.has(from.layer) && to.name !== from.name ? `${from.name} may not import ${to.name}` : undefined
  }
  return LAYERS[from.layer]?.may.includes(to.layer) === true
    ? undefined
    : `${from.layer} may not import ${to.layer} (${one.specifier})`
}

interface Place {
  readonly layer: string
  readonly name: string
}

function placeOf(path: string): Place | undefined {
  if (path === CONNECTOR_TABLE) return { layer: 'connector-table', name: path }
  const [top, first, second, third] = path.split('/')
  if (first === undefined) return undefined
  if (top === 'schemas') return { layer: 'schemas', name: path }
  if (top === 'connectors') return second === undefined ? undefined : { layer: 'connector', name: first }
  if (top !== 'src') return undefined
  if (second === undefined) {
    const name = first.replace(/\.ts$/, '')
    return name === 'index' || name === 'open-broker' ? { layer: name, name } : undefined
  }
  if (first === 'backends') {
    if (third !== undefined) return { layer: 'backend', name: second }
    return { layer: second === 'open.ts' ? 'backends' : 'backend-common', name: second }
  }
  return first in LAYERS ? { layer: first, name: first } : undefined
}

/** Circles of imports, type imports included, each once, from its first file in alphabetical order. */
function circles(tree: SourceTree): readonly string[] {
  const graph = importGraph(tree)
  const done = new Set<string>()
  const found = new Set<string>()

  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path)
    if (start >= 0) {
      found.add(circleText(trail.slice(start)))
      return
    }
    if (done.has(path)) return
    for (const one of graph.get(path) ?? []) {
      if (graph.has(one.target)) visit(one.target, [...trail, path])
    }
    done.add(path)
  }

  for (const path of graph.keys()) visit(path, [])
  return [...found]
}

function circleText(paths: readonly string[]): string {
  const first = paths.toSorted()[0] ?? ''
  const at = paths.indexOf(first)
  return `${[...paths.slice(at), ...paths.slice(0, at), first].join(' -> ')}: a circle of imports`
}
