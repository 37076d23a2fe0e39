import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, type NodePlan, portOf } from './broker.ts'
import { pathInside } from './debian-folder.ts'
import { erlangName, renderRabbitmqCluster, renderRabbitmqConfig } from './rabbitmq-config.ts'
import {
  askManagement,
  asRabbitmq,
  installRabbitmq,
  portsFrom,
  prepareRabbitmq,
  probeRabbitmq,
  rabbitmqServer,
  tlsUrlOf,
  urlOf,
} from './rabbitmq.ts'
import { ask } from './tcp.ts'

/** Here the nodes find each other: a process of its own, or it would die with the node that had started it. */
const EPMD = 'rabbitmq3-epmd'
const EPMD_PORT = 91
/** A node that says nothing for this long is down for the others: 60 s by default. They leave the epmd alone. */
const ERLANG = '-kernel net_ticktime 8 -start_epmd false'

/** Three nodes that replicate, to be killed and stopped. */
export const rabbitmq3: Broker = {
  name: 'rabbitmq3',
  nodes: [
    { name: EPMD, ports: { epmd: EPMD_PORT } },
    ...[61, 71, 81].map((first, index) => ({
      name: `rabbitmq3-${index + 1}`,
      ports: { ...portsFrom(first), epmd: EPMD_PORT },
    })),
  ],
  config: 'rabbitmq.conf',
  install: installRabbitmq,
  async prepare(all) {
    const nodes = all.filter(isServer)
    const cookie = randomBytes(16).toString('hex')
    for (const node of nodes) {
      const config = `${renderRabbitmqConfig(node, pathInside)}${renderRabbitmqCluster(nodes)}`
      await prepareRabbitmq(node, config, cookie)
    }
    const authorities = await Promise.all(nodes.map(({ folder }) => readFile(join(folder, 'tls', 'ca.pem'), 'utf8')))
    await writeFile(authoritiesOf(nodes), authorities.join(''))
  },
  command: (node) =>
    isServer(node)
      ? rabbitmqServer(node, ERLANG)
      : asRabbitmq(node, ['/usr/bin/epmd', '-port', String(portOf(node, 'epmd')), '-address', '127.0.0.1']),
  async probe(node, peers) {
    if (!isServer(node)) return void (await ask(portOf(node, 'epmd'), NAMES_REQUEST, (bytes) => bytes.length >= 4))
    await probeRabbitmq(node)
    const known = (await askManagement(portOf(node, 'management'), '/nodes')) as Member[]
    const missing = peers
      .filter(isServer)
      .filter((peer) => !known.some(({ name, running }) => running && name === erlangName(peer)))
    if (missing.length > 0)
      throw new Error(`${node.name} does not know ${missing.map(({ name }) => name).join(', ')} yet`)
  },
  variables(all) {
    const nodes = all.filter(isServer)
    return { RABBITMQ3_URL: urlOf(nodes), RABBITMQ3_TLS_URL: tlsUrlOf(nodes, authoritiesOf(nodes)) }
  },
}

/** Each node has an authority of its own; here they all are, for clients. */
function authoritiesOf([first]: readonly NodePlan[]): string {
  return join(first?.folder ?? '', 'tls', 'all-ca.pem')
}

interface Member {
  readonly name: string
  readonly running: boolean
}

/** Which names it knows (Erlang distribution protocol, NAMES_REQ): answered with its port and a text. */
const NAMES_REQUEST = Buffer.from([0, 1, 'n'.charCodeAt(0)])

function isServer(node: NodePlan): boolean {
  return node.name !== EPMD
}
