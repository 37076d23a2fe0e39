import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, type NodePlan, portOf } from './broker.ts'
import { entryFolder } from './cache.ts'
import { fillDebianFolder, insideDebian, pathInside } from './debian-folder.ts'
import { RABBITMQ_PLUGINS, rabbitmqEnvironment, renderRabbitmqConfig } from './rabbitmq-config.ts'
import { ask, isWholeFrame } from './tcp.ts'

const ENTRY = 'rabbitmq-trixie'
const USER = 'rabbitmq'

export const rabbitmq: Broker = {
  name: 'rabbitmq',
  nodes: [{ name: 'rabbitmq', ports: { amqp: 21, stream: 22, management: 23, distribution: 24, epmd: 25 } }],
  config: 'rabbitmq.conf',
  install: (note) => fillDebianFolder(ENTRY, ['rabbitmq-server', 'ca-certificates'], note),
  prepare: async (nodes) => {
    for (const node of nodes) await prepareNode(node)
  },
  command: (node) =>
    insideDebian({
      debian: ENTRY,
      folder: node.folder,
      user: USER,
      group: USER,
      env: rabbitmqEnvironment(node, pathInside),
      command: ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
    }),
  probe: async (node) => {
    await probeAmqp(portOf(node, 'amqp'))
    await probeStream(portOf(node, 'stream'))
    await probeManagement(portOf(node, 'management'))
  },
  variables: (nodes) => Object.assign({}, ...nodes.map(variablesOf)) as Record<string, string>,
}

function variablesOf(node: NodePlan): Readonly<Record<string, string>> {
  return {
    // The ports are not RabbitMQ's defaults, so the driver has to be told them.
    RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${portOf(node, 'amqp')}/?stream=${portOf(node, 'stream')}&management=${portOf(node, 'management')}`,
    RABBITMQ_STREAM_URL: `rabbitmq-stream://guest:guest@127.0.0.1:${portOf(node, 'stream')}/`,
    // Without user and password, because fetch refuses such addresses; they are those of RABBITMQ_URL.
    RABBITMQ_MANAGEMENT_URL: `http://127.0.0.1:${portOf(node, 'management')}`,
  }
}

async function prepareNode(node: NodePlan): Promise<void> {
  const data = join(node.folder, 'data')
  await mkdir(data)
  await writeFile(node.config, renderRabbitmqConfig(node))
  await writeFile(join(node.folder, 'enabled_plugins'), RABBITMQ_PLUGINS)
  const { uid, gid } = idsOf(USER, await readFile(join(entryFolder(ENTRY), 'etc/passwd'), 'utf8'))
  // The folder itself too: it is the server's home, where it keeps its cookie.
  await chown(node.folder, uid, gid)
  await chown(data, uid, gid)
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
  const headers = { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` }
  const answer = await fetch(`http://127.0.0.1:${port}/api/overview`, { headers, signal: AbortSignal.timeout(5_000) })
  await answer.arrayBuffer()
  if (answer.status !== 200) throw new Error(`management on port ${port} answers ${answer.status}`)
}
