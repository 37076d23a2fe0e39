import { killNode, listNodes, startNodes } from '../../brokers/nodes.ts'
import { erlangName } from '../../brokers/rabbitmq-config.ts'
import { askManagement } from '../../brokers/rabbitmq.ts'
import { eventually } from '../../kit/eventually.ts'

/** Three nodes that `npm run brokers -- up rabbitmq3` has started in this clone: no other ones can be killed from here. */
export const clusterUrl = process.env['RABBITMQ3_URL'] ?? ''
/** The same nodes with TLS. */
export const clusterTlsUrl = process.env['RABBITMQ3_TLS_URL'] ?? ''
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('rabbitmq3')
/** Why nothing can be tested here. A cluster that is required and missing makes the tests fail. */
export const missing =
  clusterUrl === '' && !required
    ? 'RABBITMQ3_URL is not set; `npm run brokers -- up rabbitmq3` starts three nodes'
    : undefined

export const NODES = ['rabbitmq3-1', 'rabbitmq3-2', 'rabbitmq3-3'] as const
export type NodeName = (typeof NODES)[number]

/** A node that comes back has to catch up, on a busy machine. */
const CATCH_UP = { timeoutMs: 120_000, intervalMs: 200 }

/** The cluster's URL with one node's host first, where everybody connects; with `only` the others are not named at all. */
export function urlFrom(node: NodeName, { only = false, url = clusterUrl } = {}): string {
  const [, login = '', hosts = '', streams = '', management = '', rest = ''] =
    /^(.*@)(.*)\/\?stream=(.*)&management=([^&]*)(.*)$/.exec(url) ?? []
  const first = NODES.indexOf(node)
  const others = NODES.map((_, index) => index).filter((index) => index !== first && !only)
  const order = (list: string) => [first, ...others].map((index) => list.split(',')[index]).join(',')
  return `${login}${order(hosts)}/?stream=${order(streams)}&management=${order(management)}${rest}`
}

/** The node that leads the stream, by what another one than `except` says. */
export async function leaderOf(stream: string, except?: NodeName): Promise<NodeName> {
  const { leader } = await askAbout(stream, NODES.filter((node) => node !== except)[0] ?? NODES[0])
  const name = NODES.find((node) => erlangName({ name: node }) === leader)
  if (name === undefined) throw new Error(`${stream} has no leader`)
  return name
}

/** Resolves when nobody leads from this node any more: the others have noticed. */
export async function deposed(streams: readonly string[], node: NodeName): Promise<void> {
  await eventually(
    async () => (await Promise.all(streams.map((stream) => leaderOf(stream, node)))).every((leader) => leader !== node),
    { what: `${node} leads nothing`, ...CATCH_UP },
  )
}

/** Resolves when all nodes know each other and say that all copies of the streams work again, so that one node may fail. */
export async function wholeAgain(streams: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      if (!(await knowEachOther())) return false
      const all = await Promise.all(NODES.flatMap((node) => streams.map((stream) => askAbout(stream, node))))
      return all.every(({ online }) => online.length === NODES.length)
    },
    { what: 'all copies are there', ...CATCH_UP },
  )
}

/** Brings every node back, whatever has become of it. */
export async function mendCluster(): Promise<void> {
  for (const node of NODES) await killNode(node, 'SIGCONT').catch(() => undefined)
  if (NODES.some((node) => !isRunning(node))) await startNodes(NODES)
  const isMended = await eventually(knowEachOther, { what: 'all nodes know each other', timeoutMs: 20_000 }).catch(
    () => false,
  )
  if (isMended) return
  // One that stood still goes on with a topology of its own until it is restarted.
  for (const node of NODES) await killNode(node).catch(() => undefined)
  await startNodes(NODES)
}

function isRunning(node: NodeName): boolean {
  return listNodes().some((each) => each.node === node && each.running)
}

async function knowEachOther(): Promise<boolean> {
  const members = await Promise.all(NODES.map((node) => askNode(node, '/nodes') as Promise<Member[]>))
  return members.flat().filter(({ running }) => running).length === NODES.length ** 2
}

interface Member {
  readonly running: boolean
}

interface About {
  readonly leader: string
  readonly online: readonly string[]
}

async function askAbout(stream: string, node: NodeName): Promise<About> {
  const { leader, online = [] } = (await askNode(node, `/queues/%2F/${stream}`)) as Partial<About>
  return { leader: leader ?? '', online }
}

function askNode(node: NodeName, path: string): Promise<unknown> {
  return askManagement(listNodes().find((each) => each.node === node)?.ports['management'] ?? 0, path)
}
