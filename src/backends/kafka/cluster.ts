import { partitionUnknown } from '../refusals.ts'
import { DrawbridgeError, hasCode, isDrawbridgeError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Call } from './call.ts'
import { findCoordinator } from './calls-groups.ts'
import { type Metadata, type TopicMetadata, metadata } from './calls-topics.ts'
import { firstAnswer } from '../first-answer.ts'
import { KAFKA, closedError, kafkaError, topicUnknown, unreachable } from './errors.ts'
import { type Link, openLink } from './kafkajs.ts'
import type { KafkaSettings } from './settings.ts'

export interface TopicView {
  readonly name: string
  /** Kafka's topic id: random, and another one after the topic was deleted and created again. */
  readonly id: string
  readonly leaders: readonly number[]
  readonly replicas: number
}

/**
 * Who leads what, and connections to them. A node answers the requests of one connection one after the other, so what
 * may wait there (a fetch, a join) has a lane, that is a connection, of its own. No request is ever repeated in here.
 */
export interface Cluster {
  /** At most `maxAgeMs` old. ERR_TOPIC_UNKNOWN. */
  topic(name: string, maxAgeMs?: number): Promise<TopicView>
  /** As each node that answers knows it; undefined where it knows none. */
  topicEverywhere(name: string): Promise<readonly (TopicView | undefined)[]>
  topics(): Promise<readonly TopicView[]>
  nodes(): Promise<readonly number[]>
  /** Something moved: the next question is asked anew. */
  forgetTopic(name: string): void
  leaderOf(topic: string, partition: number): Promise<number>
  toNode<T>(node: number, lane: string, call: Call<T>, timeoutMs?: number): Promise<T>
  /** For what any node can answer, and may do twice: another one is asked, too, where the first is silent. */
  toAny<T>(call: Call<T>): Promise<T>
  toController<T>(call: Call<T>): Promise<T>
  toCoordinator<T>(group: string, lane: string, call: Call<T>, timeoutMs?: number): Promise<T>
  forgetCoordinator(group: string): void
  /** Closes the lanes whose name begins so. */
  dropLanes(prefix: string): void
  close(): void
}

export const REQUEST_TIMEOUT_MS = 20_000
const METADATA_AGE_MS = 10_000
/** How long a node may think about a question that every node can answer before another one is asked, too. */
const SILENCE_MS = 1_000
/** How long a cluster that has let us in may refuse us, while it restarts or its passwords change, until that is an error. */
const REFUSED_MS = 60_000
const MAIN = 'main'
const FIRST_DELAY_MS = 50
const LAST_DELAY_MS = 1_000

export function createCluster(settings: KafkaSettings, log: Log): Cluster {
  const links = new Map<string, Promise<Link>>()
  const views = new Map<string, { readonly view: TopicView; readonly at: number }>()
  const asking = new Map<string, Promise<TopicView>>()
  const coordinators = new Map<string, number>()
  let nodes: ReadonlyMap<number, { host: string; port: number }> = new Map()
  let controller = -1
  /** Whether the cluster ever let us in, and since when it does not. */
  let known: { readonly proven: boolean; readonly refusedAt: number | undefined } = {
    proven: false,
    refusedAt: undefined,
  }
  let closed = false

  return {
    topic: viewTopic,
    async topicEverywhere(name) {
      learn(await askAny(metadata([])))
      const answers = await Promise.allSettled([...nodes.keys()].map((node) => toNode(node, MAIN, metadata([name]))))
      return answers.flatMap((answer) => {
        const found = answer.status === 'fulfilled' ? answer.value.topics[0] : undefined
        if (answer.status === 'rejected') return []
        return [found === undefined || found.error !== KAFKA.NONE ? undefined : viewOf(found)]
      })
    },
    async topics() {
      const found = await askAny(metadata(null))
      learn(found)
      return found.topics.filter(({ error }) => error === KAFKA.NONE).map(viewOf)
    },
    async nodes() {
      learn(await askAny(metadata([])))
      return [...nodes.keys()]
    },
    forgetTopic: (name) => void views.delete(name),
    leaderOf,
    toNode,
    toAny: askAny,
    async toController(call) {
      if (!nodes.has(controller)) learn(await askAny(metadata([])))
      try {
        return await toNode(controller, MAIN, call)
      } catch (error) {
        controller = -1
        throw error
      }
    },
    async toCoordinator(group, lane, call, timeoutMs) {
      const node = coordinators.get(group) ?? (await askCoordinator(group))
      try {
        return await toNode(node, lane, call, timeoutMs)
      } catch (error) {
        coordinators.delete(group)
        throw error
      }
    },
    forgetCoordinator: (group) => void coordinators.delete(group),
    dropLanes(prefix) {
      for (const [key, link] of links) {
        if (key.startsWith(prefix)) drop(key, link)
      }
    },
    close() {
      closed = true
      for (const [key, link] of links) drop(key, link)
    },
  }

  async function viewTopic(name: string, maxAgeMs = METADATA_AGE_MS): Promise<TopicView> {
    const known = views.get(name)
    if (known !== undefined && performance.now() - known.at <= maxAgeMs) return known.view
    const underWay = asking.get(name) ?? askTopic(name).finally(() => asking.delete(name))
    asking.set(name, underWay)
    return underWay
  }

  async function leaderOf(topic: string, partition: number): Promise<number> {
    let { leaders } = await viewTopic(topic)
    // Perhaps it was widened since.
    if (partition >= leaders.length) ({ leaders } = await viewTopic(topic, 0))
    const leader = leaders[partition]
    if (leader === undefined) throw partitionUnknown(topic, partition, leaders.length)
    if (leader >= 0 && nodes.has(leader)) return leader
    views.delete(topic)
    throw kafkaError(KAFKA.LEADER_NOT_AVAILABLE, `topic ${topic}, partition ${partition}`)
  }

  function drop(key: string, link: Promise<Link>): void {
    links.delete(key)
    link.then(
      (open) => open.close(),
      () => undefined,
    )
  }

  async function askTopic(name: string): Promise<TopicView> {
    const found = await askAny(metadata([name]))
    learn(found)
    const topic = found.topics[0]
    if (topic === undefined || topic.error === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) {
      views.delete(name)
      throw topicUnknown(name)
    }
    if (topic.error !== KAFKA.NONE && topic.error !== KAFKA.LEADER_NOT_AVAILABLE) {
      throw kafkaError(topic.error, `topic ${JSON.stringify(name)}`)
    }
    const view = viewOf(topic)
    views.set(name, { view, at: performance.now() })
    return view
  }

  function learn(found: Metadata): void {
    nodes = new Map(found.nodes.map(({ id, host, port }) => [id, { host, port }]))
    controller = found.controller
  }

  async function askCoordinator(group: string): Promise<number> {
    const { error, node } = await askAny(findCoordinator(group))
    if (error !== KAFKA.NONE) throw kafkaError(error, `group ${JSON.stringify(group)}`)
    if (!nodes.has(node)) learn(await askAny(metadata([])))
    coordinators.set(group, node)
    return node
  }

  /** Any node will do: those known first, then those the URL names. One that stands still holds nobody up for long. */
  function askAny<T>(call: Call<T>): Promise<T> {
    const known = shuffled([...nodes.keys()]).map((id) => () => toNode(id, MAIN, call))
    const seeds = shuffled(settings.seeds).map(({ host, port }) => async () => {
      const link = await linkTo(`${MAIN}/${host}:${port}`, host, port)
      return link.request(call, REQUEST_TIMEOUT_MS)
    })
    const isFinal = (error: unknown) => !hasCode(error, 'ERR_BROKER_UNREACHABLE')
    return firstAnswer([...known, ...seeds], { patienceMs: SILENCE_MS, isFinal })
  }

  async function toNode<T>(node: number, lane: string, call: Call<T>, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T> {
    const place = nodes.get(node)
    if (place === undefined) throw unreachable(`node ${node}`, 'the cluster does not know it now', 'not-written')
    const link = await linkTo(`${lane}/${place.host}:${place.port}`, place.host, place.port)
    return link.request(call, timeoutMs)
  }

  async function linkTo(key: string, host: string, port: number): Promise<Link> {
    if (closed) throw closedError()
    const before = links.get(key)
    if (before !== undefined) {
      const link = await before.catch((error: unknown) => {
        throw judged(error)
      })
      if (!link.broken) return link
    }
    // Whoever awaited the same broken link has perhaps opened the next one already.
    if (links.get(key) !== before) return linkTo(key, host, port)
    const opening = openLink({ host, port, tls: settings.tls, login: settings.login, log })
    links.set(key, opening)
    opening.then(
      () => {
        known = { proven: true, refusedAt: undefined }
      },
      () => {
        if (links.get(key) === opening) links.delete(key)
      },
    )
    const link = await opening.catch((error: unknown) => {
      throw judged(error)
    })
    if (links.get(key) === opening && !closed) return link
    link.close()
    throw closed ? closedError() : unreachable(`${host}:${port}`, 'closed while connecting', 'not-written')
  }

  /** What came of a connection. A refusal that may pass is to be tried again. */
  function judged(error: unknown): unknown {
    if (!hasCode(error, 'ERR_CONFIG') || !known.proven) return error
    const since = known.refusedAt ?? performance.now()
    if (known.refusedAt === undefined)
      log.warn({ error: error.message }, 'Kafka let us in before and does not now; trying on')
    known = { proven: true, refusedAt: since }
    if (performance.now() - since > REFUSED_MS) return error
    return new DrawbridgeError(error.code, error.message, { cause: error, details: error.details, verdict: 'retry' })
  }
}

function viewOf({ name, id, leaders, replicas }: TopicMetadata): TopicView {
  return { name, id, leaders, replicas }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/**
 * Tries again while the cluster is on the move or a node does not answer: only for what may be repeated, or with
 * `outcome` only what is known not to be done.
 */
export async function persist<T>(
  attempt: () => Promise<T>,
  forMs = REQUEST_TIMEOUT_MS,
  outcome?: 'not-written',
): Promise<T> {
  const until = performance.now() + forMs
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LAST_DELAY_MS)) {
    try {
      return await attempt()
    } catch (error) {
      const mends =
        isDrawbridgeError(error) &&
        error.verdict === 'retry' &&
        (outcome === undefined || error.details['outcome'] === outcome)
      if (!mends || performance.now() + delayMs > until) throw error
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
}
