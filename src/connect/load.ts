import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { From } from '../core/broker.ts'
import { DrawbridgeError, errorText, readProperty } from '../core/errors.ts'
import { type ConfigOf, type ReadContext, readConfig } from './config.ts'
import { type ConfigNode, type Problem, parseYaml } from './config-node.ts'
import { choice, text } from './fields.ts'
import { readTopic, type TopicChoice } from './topic-field.ts'
import { type AnyConnector, connectorTypes, loadConnectorType } from './types.ts'

/** One document of a configuration file, checked. */
export interface LoadedConnector {
  readonly name: string
  readonly connector: AnyConnector
  readonly topic: TopicChoice
  /** Only sinks: where a new group begins. */
  readonly from: From
  readonly config: Record<string, unknown>
  /** The file it stands in, absolute. */
  readonly file: string
}

/** The keys around a connector's own ones; these stand below `config`. */
export const documentSpec = {
  name: text({
    doc: 'name of the connector; a sink’s group, a source’s checkpoint',
    required: true,
    check: (name) =>
      /^[a-zA-Z0-9._-]{1,100}$/.test(name) ? undefined : 'use 1 to 100 of the characters a-z A-Z 0-9 . _ -',
  }),
  type: choice(connectorTypes, { doc: 'what it does', required: true }),
  topic: {
    ...text({ doc: 'the topic’s name, or its declaration: { name, schema, key, partitions }', required: true }),
    type: 'text or keys',
    read: readTopic,
  },
  from: text({
    doc: 'sinks: where a new group begins (earliest, latest or an ISO time)',
    default: 'earliest',
    check: (from) =>
      from === 'earliest' || from === 'latest' || !Number.isNaN(Date.parse(from))
        ? undefined
        : 'use earliest, latest or an ISO time such as 2026-11-01T00:00:00Z',
  }),
  config: {
    ...text({ doc: 'the connector’s own keys' }),
    type: 'keys below it',
    read: (node: ConfigNode) => node,
    absent: () => undefined,
  },
} as const

/**
 * Reads files of one connector per YAML document. Rejects with ERR_CONFIG that lists every problem of every file, each
 * with place (`file:line:column`) and key path, also in `details.problems`. Nothing is started or connected.
 */
export async function loadConnectors(
  files: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly LoadedConnector[]> {
  const problems: Problem[] = []
  const report = (problem: Problem) => void problems.push(problem)
  const loaded: LoadedConnector[] = []
  const places = new Map<string, string>()
  for (const file of files.map((path) => resolve(path))) {
    for (const node of readDocuments(file, report)) {
      const at = { path: '', baseDir: dirname(file), env, report }
      const one = await loadDocument(node, file, at)
      const name = one?.name ?? nameOf(node)
      if (name === undefined) continue
      const earlier = places.get(name)
      if (earlier !== undefined)
        report({
          place: node.place,
          path: 'name',
          message: `${JSON.stringify(name)} is the name of the connector at ${earlier}, too; rename one`,
        })
      places.set(name, node.place)
      if (one !== undefined) loaded.push(one)
    }
  }
  if (problems.length === 0) return loaded
  const lines = problems.map(
    (problem) => `  ${problem.place}  ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`,
  )
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${problems.length === 1 ? 'one problem' : `${problems.length} problems`} in the configuration; nothing was started\n${lines.join('\n')}`,
    { details: { problems } },
  )
}

function readDocuments(file: string, report: (problem: Problem) => void): readonly ConfigNode[] {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    const message =
      readProperty(error, 'code') === 'EISDIR'
        ? 'is a directory; name the file that holds the connectors'
        : `cannot be read: ${errorText(error)}`
    report({ place: file, path: '', message })
    return []
  }
  let problems = 0
  const nodes = parseYaml(content, shortPath(file), (problem) => {
    problems++
    report(problem)
  })
  if (nodes.length === 0 && problems === 0)
    report({ place: file, path: '', message: 'holds no connector; write name, type, topic and config' })
  return nodes
}

async function loadDocument(node: ConfigNode, file: string, at: ReadContext): Promise<LoadedConnector | undefined> {
  const document: ConfigOf<typeof documentSpec> | undefined = readConfig(documentSpec as never, node, at)
  const type = document?.type ?? typeOf(node)
  if (type === undefined) return undefined
  const connector = await loadConnectorType(type)
  const below = entryOf(node, 'config') ?? { kind: 'map', place: node.place, entries: [] }
  const config = readConfig(connector.config, below, { ...at, path: 'config' })
  const wrong = config === undefined ? [] : (connector.check?.(config) ?? [])
  for (const { key, message } of wrong)
    at.report({ place: entryOf(below, key)?.place ?? below.place, path: `config.${key}`, message })
  if (connector.kind === 'source' && entryOf(node, 'from') !== undefined) {
    at.report({
      place: entryOf(node, 'from')?.place ?? node.place,
      path: 'from',
      message: 'only a sink begins somewhere; remove it',
    })
    return undefined
  }
  if (document === undefined || config === undefined) return undefined
  const from: From =
    document.from === 'earliest' || document.from === 'latest' ? document.from : { timestamp: document.from }
  return { name: document.name, connector, topic: document.topic as TopicChoice, from, config, file }
}

function entryOf(node: ConfigNode, key: string): ConfigNode | undefined {
  return node.kind === 'map' ? node.entries.find((entry) => entry.key === key)?.node : undefined
}

function nameOf(node: ConfigNode): string | undefined {
  const name = entryOf(node, 'name')
  return name?.kind === 'scalar' && typeof name.value === 'string' ? name.value : undefined
}

function typeOf(node: ConfigNode) {
  const type = entryOf(node, 'type')
  return type?.kind === 'scalar' ? connectorTypes.find((known) => known === type.value) : undefined
}

/** Relative to the working directory where that is shorter to read. */
function shortPath(file: string): string {
  const here = `${process.cwd()}/`
  return file.startsWith(here) ? file.slice(here.length) : dirname(file) === '/' ? basename(file) : file
}
