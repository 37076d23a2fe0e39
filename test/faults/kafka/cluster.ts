import { connect, type Socket } from 'node:net'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { killNode, startNodes } from '../../brokers/nodes.ts'
import { eventually } from '../../kit/eventually.ts'
import { openTcpProxy, type ProxyMode } from '../../kit/tcp-proxy.ts'

/** Three nodes that `npm run brokers -- up kafka3` has started in this clone: no other ones can be killed from here. */
export const clusterUrl = process.env['KAFKA3_URL'] ?? ''
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',').includes('kafka')
/** Why nothing can be tested here. A cluster that is required and missing makes the tests fail. */
export const missing =
  clusterUrl === '' && !required
    ? 'KAFKA3_URL is not set; `npm run brokers -- up kafka3` starts three nodes'
    : undefined

/** Nothing listens there. */
const NOBODYS_PORT = 1

/** Their node ids are 1, 2, 3 (test/brokers/kafka-config.ts). */
export const NODES = ['kafka3-1', 'kafka3-2', 'kafka3-3'] as const

/** A node that comes back has to catch up, on a busy machine. */
const CATCH_UP_MS = 120_000
/** kafkajs asks any node, and waits minutes for one that stands still: to it, these do not exist. */
const standingStill = new Set<string>()
/** Where groups have their positions: it has to be whole, too, before the next node may go. */
const POSITIONS = '__consumer_offsets'

/** The node that leads the partition. */
export async function leaderOf(topic: string, partition: number): Promise<string> {
  const leader = (await partitionsOf([topic])).find((each) => each.partitionId === partition)?.leader ?? 0
  const name = NODES[leader - 1]
  if (name === undefined) throw new Error(`partition ${partition} of ${topic} has no leader`)
  return name
}

/** The node that keeps the group: its partition of the positions is the hash of its name (Kafka's GroupMetadataManager). */
export async function coordinatorOf(group: string): Promise<string> {
  let hash = 0
  for (let at = 0; at < group.length; at++) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0
  return leaderOf(POSITIONS, (hash & 0x7fffffff) % (await partitionsOf([POSITIONS])).length)
}

/** Resolves when all copies of the topic and of the groups' positions are in sync, so that one node may fail. */
export async function wholeAgain(topic: string): Promise<void> {
  await eventually(
    async () => (await partitionsOf([topic, POSITIONS])).every(({ isr }) => isr.length === NODES.length),
    {
      what: 'all copies are in sync',
      timeoutMs: CATCH_UP_MS,
      intervalMs: 200,
    },
  )
}

/** Resolves when nobody leads from this node any more: the others have noticed. */
export async function deposed(topic: string, node: string): Promise<void> {
  const id = NODES.findIndex((name) => name === node) + 1
  await eventually(
    async () => (await partitionsOf([topic, POSITIONS])).every(({ leader }) => leader !== id && leader > 0),
    {
      what: `${node} leads nothing`,
      timeoutMs: CATCH_UP_MS,
      intervalMs: 200,
    },
  )
}

export async function stopNode(node: string): Promise<void> {
  standingStill.add(node)
  await killNode(node, 'SIGSTOP')
}

export async function continueNode(node: string): Promise<void> {
  await killNode(node, 'SIGCONT')
  standingStill.delete(node)
}

/** Brings every node back, whatever has become of it. All at once: none gets ready without a second one. */
export async function mendCluster(): Promise<void> {
  for (const node of NODES) await continueNode(node).catch(() => undefined)
  await startNodes(NODES)
}

async function partitionsOf(
  topics: string[],
): Promise<Awaited<ReturnType<Admin['fetchTopicMetadata']>>['topics'][number]['partitions']> {
  const admin = new Kafka({ brokers: seeds(), logLevel: logLevel.NOTHING, socketFactory }).admin()
  await admin.connect()
  try {
    return (await admin.fetchTopicMetadata({ topics })).topics.flatMap(({ partitions }) => partitions)
  } finally {
    await admin.disconnect()
  }
}

function socketFactory({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }): Socket {
  const refused = [...standingStill].some((node) =>
    seeds()[NODES.findIndex((name) => name === node)]?.endsWith(`:${port}`),
  )
  return connect({ host, port: refused ? NOBODYS_PORT : port }, onConnect)
}

/** The cluster seen through proxies: who connects at `url` never goes around them. */
export interface ClusterNetwork {
  readonly url: string
  set(mode: ProxyMode): void
  cut(): void
  close(): Promise<void>
}

export async function openNetwork(): Promise<ClusterNetwork> {
  const advertised = new Map<number, number>()
  const proxies = await Promise.all(
    seeds().map(async (seed) => {
      const [host = '', port] = seed.split(':')
      const proxy = await openTcpProxy({ host, port: Number(port), advertised })
      advertised.set(Number(port), proxy.port)
      return proxy
    }),
  )
  return {
    url: `kafka://${proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    set: (mode) => proxies.forEach((proxy) => proxy.set(mode)),
    cut: () => proxies.forEach((proxy) => proxy.cut()),
    close: async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))),
  }
}

function seeds(): string[] {
  return clusterUrl.replace('kafka://', '').split(',')
}
