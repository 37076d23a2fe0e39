import { execFile } from 'node:child_process'
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTestCa } from '../kit/test-ca.ts'
import { type Broker, type BrokerName, type Command, type NodePlan, type Note, portOf } from './broker.ts'
import { entryFolder } from './cache.ts'
import { fillDebianFolder, insideDebian, pathInside } from './debian-folder.ts'
import { RABBITMQ_PLUGINS, rabbitmqEnvironment, renderRabbitmqConfig } from './rabbitmq-config.ts'
import { ask, isWholeFrame } from './tcp.ts'

const ENTRY = 'rabbitmq-trixie'
const USER = 'rabbitmq'
/** On a busy machine: RabbitMQ's programs compute for seconds before they ask anything. */
const TOOL_TIMEOUT_MS = 300_000

/** A node's ports in this order, from its first on. */
export const RABBITMQ_PORTS = [
  'amqp',
  'stream',
  'management',
  'distribution',
  'epmd',
  'amqpTls',
  'streamTls',
  'managementTls',
] as const

export const rabbitmq: Broker = createRabbitmq('rabbitmq', 21, variablesOf)
/** For tests that stop it, fill it or change its plugins while others use the other one. */
export const rabbitmqFaults: Broker = createRabbitmq('rabbitmq-faults', 51, (node) => ({
  RABBITMQ_FAULTS_URL: urlOf([node]),
}))

function createRabbitmq(
  name: BrokerName,
  firstPort: number,
  variables: (node: NodePlan) => Readonly<Record<string, string>>,
): Broker {
  return {
    name,
    nodes: [{ name, ports: portsFrom(firstPort) }],
    config: 'rabbitmq.conf',
    install: installRabbitmq,
    prepare: async (nodes) => {
      for (const node of nodes) await prepareRabbitmq(node, renderRabbitmqConfig(node, pathInside))
    },
    command: (node) => rabbitmqServer(node),
    probe: probeRabbitmq,
    variables: (nodes) => Object.assign({}, ...nodes.map(variables)) as Record<string, string>,
  }
}

export function portsFrom(first: number): Readonly<Record<string, number>> {
  return Object.fromEntries(RABBITMQ_PORTS.map((what, index) => [what, first + index]))
}

export function installRabbitmq(note: Note): Promise<void> {
  return fillDebianFolder(ENTRY, ['rabbitmq-server', 'ca-certificates'], note)
}

/** `erlang` is added to the arguments of its Erlang. */
export function rabbitmqServer(node: NodePlan, erlang = ''): Command {
  return asRabbitmq(node, ['/usr/lib/rabbitmq/bin/rabbitmq-server'], rabbitmqEnvironment(node, pathInside, erlang))
}

/** `rabbitmqctl ARGS…`, or another of RabbitMQ's programs, for a node that runs. Resolves to what it printed. */
export async function runRabbitmqctl(
  node: NodePlan,
  args: readonly string[],
  program: 'rabbitmqctl' | 'rabbitmq-streams' = 'rabbitmqctl',
): Promise<string> {
  // Commands of plugins are found in no other way: the first folder of Debian's list does not exist.
  const [server] = await readdir(join(entryFolder(ENTRY), 'usr/lib/rabbitmq/lib'))
  const env = {
    ...rabbitmqEnvironment(node, pathInside),
    RABBITMQ_PLUGINS_DIR: `/usr/lib/rabbitmq/lib/${server}/plugins`,
  }
  const { file, args: all } = asRabbitmq(node, [`/usr/lib/rabbitmq/bin/${program}`, ...args], env)
  const { stdout } = await promisify(execFile)(file, all, { timeout: TOOL_TIMEOUT_MS })
  return stdout
}

/** A command in RabbitMQ's Debian folder, as its user. */
export function asRabbitmq(
  node: NodePlan,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Command {
  return insideDebian({ debian: ENTRY, folder: node.folder, user: USER, group: USER, env, command })
}

export async function probeRabbitmq(node: NodePlan): Promise<void> {
  await probeAmqp(portOf(node, 'amqp'))
  await probeStream(portOf(node, 'stream'))
  await probeManagement(portOf(node, 'management'))
}

function variablesOf(node: NodePlan): Readonly<Record<string, string>> {
  return {
    RABBITMQ_URL: urlOf([node]),
    RABBITMQ_TLS_URL: tlsUrlOf([node], join(node.folder, 'tls', 'ca.pem')),
    RABBITMQ_STREAM_URL: `rabbitmq-stream://guest:guest@127.0.0.1:${portOf(node, 'stream')}/`,
    // Without user and password, because fetch refuses such addresses; they are those of RABBITMQ_URL.
    RABBITMQ_MANAGEMENT_URL: `http://127.0.0.1:${portOf(node, 'management')}`,
  }
}

export function urlOf(nodes: readonly NodePlan[]): string {
  return `amqp://${placesOf(nodes, '')}`
}

/** `ca` is the file of the authorities to trust. */
export function tlsUrlOf(nodes: readonly NodePlan[], ca: string): string {
  return `amqps://${placesOf(nodes, 'Tls')}&ca=${ca}`
}

/** The ports are not RabbitMQ's defaults, so the driver has to be told them. */
function placesOf(nodes: readonly NodePlan[], kind: '' | 'Tls'): string {
  const all = (what: string) => nodes.map((node) => portOf(node, `${what}${kind}`)).join(',')
  const hosts = nodes.map((node) => `127.0.0.1:${portOf(node, `amqp${kind}`)}`).join(',')
  return `guest:guest@${hosts}/?stream=${all('stream')}&management=${all('management')}`
}

/** Fills a node's folder. Nodes with one cookie may form a cluster. */
export async function prepareRabbitmq(node: NodePlan, config: string, cookie?: string): Promise<void> {
  const data = join(node.folder, 'data')
  const tls = join(node.folder, 'tls')
  await mkdir(data)
  await mkdir(tls)
  makeTestCa(tls)
  await writeFile(node.config, config)
  await writeFile(join(node.folder, 'enabled_plugins'), RABBITMQ_PLUGINS)
  const { uid, gid } = idsOf(USER, await readFile(join(entryFolder(ENTRY), 'etc/passwd'), 'utf8'))
  // The folder itself too: it is the server's home, where it keeps its cookie.
  const files = (await readdir(tls)).map((file) => join(tls, file))
  for (const path of [node.folder, join(node.folder, 'enabled_plugins'), data, tls, ...files])
    await chown(path, uid, gid)
  if (cookie === undefined) return
  const file = join(node.folder, '.erlang.cookie')
  await writeFile(file, cookie, { mode: 0o400 })
  await chown(file, uid, gid)
}

/** User and group number of a name in /etc/passwd. */
export function idsOf(user: string, passwd: string): { readonly uid: number; readonly gid: number } {
  const fields = passwd.split('\n').map((line) => line.split(':'))
  const [, , uid, gid] = fields.find(([name]) => name === user) ?? []
  if (uid === undefined || gid === undefined)
    throw new Error(`the Debian folder has no user ${user}; remove ${entryFolder(ENTRY)}`)
  return { uid: Number(uid), gid: Number(gid) }
}

/** AMQP 0-9-1 handshake: the protocol header is answered with connection.start (class 10, method 10). */
async function probeAmqp(port: number): Promise<void> {
  const reply = await ask(port, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), (bytes) => bytes.length >= 11)
  if (reply.readUInt32BE(7) !== 0x000a000a) throw new Error(`port ${port} does not speak AMQP 0-9-1`)
}

/** Stream protocol: PeerProperties (command 17, version 1, no properties) is answered with code 1. */
async function probeStream(port: number): Promise<void> {
  const request = Buffer.from([0, 0, 0, 12, 0, 17, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0])
  const reply = await ask(port, request, isWholeFrame)
  if (reply.readUInt16BE(4) !== 0x8011 || reply.readUInt16BE(12) !== 1)
    throw new Error(`port ${port} does not speak streams`)
}

async function probeManagement(port: number): Promise<void> {
  await askManagement(port, '/overview')
}

/** What the management API of a node of ours answers; rejects unless it is a success. */
export async function askManagement(port: number, path: string): Promise<unknown> {
  const headers = { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` }
  const answer = await fetch(`http://127.0.0.1:${port}/api${path}`, { headers, signal: AbortSignal.timeout(5_000) })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`management on port ${port} answers ${answer.status}`)
  return JSON.parse(text)
}
