import type { Command } from 'commander'
import type { ConnectorEvent, ConnectorStatus } from '../connect/status.ts'
import { DrawbridgeError } from '../core/errors.ts'
import { globalsOf } from './globals.ts'
import { logSentence } from './log-line.ts'
import { list, output, printTable } from './output.ts'
import { watchInterruption } from './signals.ts'

export function addConnect(program: Command): void {
  const connect = program.command('connect').description('run and check connectors')
  connect
    .command('run <file...>')
    .description('run every connector of the files, each in its own process, until done or SIGTERM')
    .action((files: string[], _options: object, command: Command) => runFiles(files, command))
  connect
    .command('validate <file...>')
    .description('check the files and name every problem; nothing is started or connected')
    .action((files: string[], _options: object, command: Command) => validateFiles(files, command))
  connect
    .command('describe [type]')
    .description('the keys of a connector type; without a type the types there are')
    .action((type: string | undefined, _options: object, command: Command) => describeType(type, command))
}

async function describeType(type: string | undefined, command: Command): Promise<void> {
  const { connectorTypes, loadConnectorType } = await import('../connect/types.ts')
  const { configHelp } = await import('../connect/config-docs.ts')
  if (type === undefined) {
    const loaded = await Promise.all(connectorTypes.map(loadConnectorType))
    const rows = loaded.map(({ type, kind, summary }) => ({ type, kind, summary }))
    await list(globalsOf(command), rows, ['type', 'kind', 'summary'])
    return
  }
  const known = connectorTypes.find((each) => each === type)
  if (known === undefined) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `there is no connector type ${JSON.stringify(type)}; the types are ${connectorTypes.join(', ')}`,
    )
  }
  const { kind, summary, config } = await loadConnectorType(known)
  if (globalsOf(command).json) await output.data({ type, kind, summary, help: configHelp(config) })
  else await output.line(`${type} (${kind}): ${summary}\n\nkeys below \`config:\`\n${configHelp(config)}`)
}

async function runFiles(files: readonly string[], command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { runConnectors } = await import('../connect/supervisor.ts')
  const interruption = watchInterruption()
  const told = new Map<string, string>()
  const onEvent = ({ changed, status }: ConnectorEvent) => {
    if (changed === 'counters') return
    const text = globals.json ? JSON.stringify({ changed, ...status }) : `${status.name}: ${summary(changed, status)}`
    if (told.get(status.name) === text) return
    told.set(status.name, text)
    void output.line(text)
  }
  const result = await runConnectors(files, {
    brokerUrl: globals.broker,
    registry: globals.registry,
    create: globals.create,
    signal: interruption.signal,
    onEvent,
    onLog: globals.json ? tellLog : tellLogShort,
  })
  const rows = result.statuses.map(({ counters, ...status }) => ({ ...status, counters: pairs(counters) }))
  if (!globals.json) await printTable(rows, ['name', 'state', 'restarts', 'counters'])
  process.exitCode = result.exitCode === 0 ? interruption.exitCode() : result.exitCode
}

function summary(changed: ConnectorEvent['changed'], status: ConnectorStatus): string {
  if (changed === 'error') return `error ${status.lastError?.code}: ${status.lastError?.message}`
  if (changed === 'facts') return pairs(status.facts)
  const process = status.pid === null ? '' : ` (pid ${status.pid})`
  return `${status.state}${process}${status.restarts === 0 ? '' : `, restarts ${status.restarts}`}`
}

function pairs(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

function tellLog(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** For people only what went wrong, as a sentence; states are told by events. */
function tellLogShort(line: string): void {
  const sentence = logSentence(line)
  if (sentence !== undefined) output.note(sentence)
}

async function validateFiles(files: readonly string[], command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { loadConnectors } = await import('../connect/load.ts')
  const loaded = await loadConnectors(files)
  for (const { name, connector, topic, file } of loaded) {
    if (globals.json) await output.data({ ok: true, name, type: connector.type, topic: topic.name, file })
    else await output.line(`ok ${name}: ${connector.type}, topic ${topic.name}`)
  }
}
