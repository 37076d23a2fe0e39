import { afterEach, describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { queryOffset } from '../../../src/backends/rabbitmq/protocol/requests.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { killNode, restartNode, startNode, startNodes } from '../../brokers/nodes.ts'
import { readAll } from '../../conformance/contract/records.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { report, soakScale } from '../../kit/soak-scale.ts'
import { testUnless } from '../../kit/skip.ts'
import type { Verdict } from '../../kit/judge-run.ts'
import { type Crew, PROGRESS_MS, SHORT_RUN_MS } from '../../promises/crew.ts'
import { openLogged, openOnlooker } from './broker.ts'
import {
  clusterTlsUrl,
  clusterUrl,
  deposed,
  leaderOf,
  mendCluster,
  missing,
  type NodeName,
  NODES,
  urlFrom,
  wholeAgain,
} from './cluster.ts'
import { producersUnderLoad, runFault, troubled } from './run.ts'

const SCALE = soakScale('rabbitmq-cluster', {
  short: { rounds: 1, records: 150, timeoutMs: SHORT_RUN_MS },
  full: { rounds: 10, records: 2_000, timeoutMs: 3_600_000 },
})
const PARTITIONS = 6

afterEach(async () => {
  if (missing === undefined) await mendCluster()
}, 180_000)

function test(name: string, run: () => Promise<void>): void {
  testUnless(missing, name, run, SCALE.timeoutMs)
}

/** Three members and a producer at work on streams with a copy on each node, while `disturb` does its worst in each round. */
async function underTraffic(
  scenario: string,
  disturb: (crew: Crew, streams: readonly string[], round: number) => Promise<void>,
): Promise<Verdict> {
  const verdict = await runFault(
    { direct: clusterUrl, members: 3, perSecond: 500, keepTopic: true },
    async (crew, topic) => {
      const streams = Array.from({ length: PARTITIONS }, (_, partition) => `${topic}-${partition}`)
      await wholeAgain(streams)
      for (let round = 0; round < SCALE.rounds; round++)
        await troubled(crew, async () => {
          await disturb(crew, streams, round)
          await wholeAgain(streams)
          await allUnderLoad(crew)
        })
    },
  )
  report(
    `rabbitmq-cluster: ${scenario}: ${JSON.stringify(verdict.counts)}; findings: ${JSON.stringify(verdict.findings)}`,
  )
  return verdict
}

/** `meanwhile` is what has to go on while the node stands still. */
async function standingStill(
  scenario: string,
  choose: (streams: readonly string[], round: number) => Promise<NodeName>,
  meanwhile: (crew: Crew) => Promise<void>,
): Promise<void> {
  const { findings } = await underTraffic(scenario, async (crew, streams, round) => {
    const node = await choose(streams, round)
    await killNode(node, 'SIGSTOP')
    await deposed(streams, node)
    await meanwhile(crew)
    await killNode(node, 'SIGCONT')
    await allUnderLoad(crew)
    // The topology of one that was away without having ended stays as it was then (Mnesia): RabbitMQ wants it restarted.
    await restartNode(node)
  })
  // Until it knows better, a leader that wakes up tells the positions of before: older ones make records come again, and are no loss.
  expect(findings.filter(({ crime }) => crime !== 'position-back')).toEqual([])
}

/** Sends are acknowledged, and records handled. */
async function allUnderLoad(crew: Crew): Promise<void> {
  await producersUnderLoad(crew)
  await Promise.all(crew.members.map((member) => crew.underLoad(member)))
}

describe('three RabbitMQ nodes: nothing lost, stored twice, out of order or passed over', () => {
  test('when-leaders-are-killed-under-traffic', async () => {
    const { findings } = await underTraffic('leader-killed', async (crew, streams, round) => {
      const node = await leaderOf(streams[round % PARTITIONS] as string)
      await killNode(node)
      await deposed(streams, node)
      await allUnderLoad(crew)
      await startNode(node)
    })
    expect(findings).toEqual([])
  })

  test('when-all-nodes-are-restarted-in-turn-under-traffic', async () => {
    const { findings, counts } = await underTraffic('rolling-bounce', async (_, streams) => {
      for (const node of NODES) {
        await restartNode(node)
        await wholeAgain(streams)
      }
    })
    expect(findings).toEqual([])
    // A bounce in order is no failure for anybody.
    expect(counts.failed).toBe(0)
  })

  test('when-all-nodes-are-killed-at-once-under-traffic', async () => {
    const { findings } = await underTraffic('all-killed', async () => {
      await Promise.all(NODES.map((node) => killNode(node)))
      await startNodes(NODES)
    })
    expect(findings).toEqual([])
  })

  test('when-a-leader-stands-still', () =>
    standingStill(
      'leader-stopped',
      async (streams, round) => {
        const leaders = await Promise.all(streams.map((stream) => leaderOf(stream)))
        const others = [...new Set(leaders)].filter((leader) => leader !== NODES[0])
        return others[round % others.length] ?? NODES[1]
      },
      allUnderLoad,
    ))

  // RabbitMQ tells each of the members that are gone with the node that others are gone, too, and waits 7 s each time before it
  // hears anybody else: members come back when the node does, or when it has died.
  test('when-the-node-that-everybody-is-connected-to-stands-still', () =>
    standingStill('used-stopped', async () => NODES[0], producersUnderLoad))

  test('what-was-acknowledged-is-before-the-end-whichever-node-is-asked', () =>
    endsAreTold(NODES.map((node) => urlFrom(node))))

  test('so-it-is-over-tls', () => endsAreTold(NODES.map((node) => urlFrom(node, { url: clusterTlsUrl }))))

  async function endsAreTold(urls: readonly string[]): Promise<void> {
    const backends = await Promise.all(urls.map((url) => openLogged(url)))
    const [first] = backends as [Backend]
    const topic = `ends-${randomBytes(4).toString('hex')}`
    await first.createTopic({ name: topic, partitions: 3, compact: false, retentionMs: null, retentionBytes: null })
    const wrong: string[] = []
    for (let sent = 1; sent <= SCALE.records; sent++) {
      for (const partition of [0, 1, 2]) {
        const record = { key: null, value: Buffer.from(`r${sent}`), headers: [], timestamp: 0 }
        await first.append(topic, partition, [record])
      }
      const ends = await Promise.all(
        backends.map(async (each) => (await each.describeTopic(topic)).ranges.map(({ end }) => end)),
      )
      for (const [index, [...found]] of ends.entries())
        if (found.some((end) => end !== sent)) wrong.push(`${NODES[index]}: ${found.join()} instead of ${sent}`)
    }
    expect(wrong).toEqual([])
    const members = await Promise.all(
      backends.map((backend) => joinGroup(backend, { group: 'g', topic, commit: true })),
    )
    await eventually(
      async () => {
        const { positions } = await first.describeGroup('g', topic)
        return positions.every(({ next, lag }) => next === SCALE.records && lag === 0)
      },
      { what: 'members at all nodes have committed everything' },
    )
    expect(members.flatMap(({ breaches, lost }) => [...breaches, ...lost])).toEqual([])
    for (const member of members) await member.feed.close()
  }

  test('a-node-that-is-named-alone-finds-the-others-that-lead', async () => {
    const topic = `alone-${randomBytes(4).toString('hex')}`
    const backends = await Promise.all(NODES.map((node) => openLogged(urlFrom(node, { only: true }))))
    const [first] = backends as [Backend]
    await first.createTopic({ name: topic, partitions: 3, compact: false, retentionMs: null, retentionBytes: null })
    for (const [partition, backend] of backends.entries()) {
      await backend.append(topic, partition, [{ key: null, value: Buffer.from('r'), headers: [], timestamp: 0 }])
      for (const other of backends) expect(await readAll(other, topic, partition)).toHaveLength(1)
    }
    await first.deleteTopic(topic)
  })
  test('a-position-counts-as-committed-when-most-nodes-have-it', async () => {
    const topic = `position-${randomBytes(4).toString('hex')}`
    const stream = `${topic}-0`
    const maker = await openLogged(clusterUrl)
    await maker.createTopic({ name: topic, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    await wholeAgain([stream])
    const node = await leaderOf(stream)
    const member = await joinGroup(await openLogged(urlFrom(node)), { group: 'g', topic, pull: false })
    await eventually(() => member.held().length === 1, { what: 'the partition is assigned' })
    const onlooker = await openOnlooker(urlFrom(node))
    const followers = NODES.filter((other) => other !== node)
    let isCommitted = false
    for (const follower of followers) await killNode(follower, 'SIGSTOP')
    const committing = member.feed.commit(0, 1).then(() => (isCommitted = true))
    try {
      await eventually(async () => (await queryOffset(onlooker, 'g', stream)) === 0n, { what: 'the leader has it' })
      for (let look = 0; look < 50; look++) await queryOffset(onlooker, 'g', stream)
      expect(isCommitted).toBe(false)
    } finally {
      for (const follower of followers) await killNode(follower, 'SIGCONT')
    }
    await committing
    await onlooker.close()
    await member.feed.close()
  })

  // In two of ten tries, both behind all the tests above, it was not taken over within 300 s; why is not known.
  // That members leave such a partition together, presence.test.ts shows.
  const onlyInSoak =
    SCALE.rounds === 1 ? 'not taken over in two of ten tries, the cause unknown; npm run soak runs it' : undefined
  testUnless(
    missing ?? onlyInSoak,
    'a-partition-whose-hand-over-died-with-its-node-is-taken-over',
    async () => {
      const topic = `died-${randomBytes(4).toString('hex')}`
      const streams = [`${topic}-0`, `${topic}-1`]
      const maker = await openLogged(clusterUrl)
      await maker.createTopic({ name: topic, partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
      await wholeAgain(streams)
      for (const partition of [0, 1])
        await maker.append(topic, partition, [{ key: null, value: Buffer.from('r'), headers: [], timestamp: 0 }])
      // A node that leads neither: its death is nothing that others are told of, which would make them join again.
      const leaders = await Promise.all(streams.map((stream) => leaderOf(stream)))
      const node = NODES.find((each) => !leaders.includes(each)) as NodeName
      let isAsked = false
      const goes = await joinGroup(await openLogged(urlFrom(node, { only: true })), {
        group: 'g',
        topic,
        pull: false,
        onRevoke() {
          isAsked = true
          return new Promise(() => undefined)
        },
      })
      await eventually(() => goes.held().length === 2, { what: 'one member has both partitions' })
      const stays = async () =>
        joinGroup(await openLogged(urlFrom(leaders[0] as NodeName, { only: true })), {
          group: 'g',
          topic,
          commit: true,
        })
      const others = [await stays(), await stays()]
      await eventually(() => isAsked, { what: 'it is asked to give one up' })
      await killNode(node)
      // One that came back first may have read what the next one gets before it was committed: that is no loss.
      const read = () => new Set(others.flatMap(({ records }) => records.map(({ partition }) => partition)))
      await eventually(() => read().size === 2, {
        what: 'the others have read both partitions',
        timeoutMs: PROGRESS_MS,
      })
      await eventually(() => others.flatMap((member) => member.held()).length === 2, { what: 'they hold both' })
      expect(others.flatMap((member) => [...member.lost, ...member.breaches])).toEqual([])
      for (const member of others) await member.feed.close()
    },
    SCALE.timeoutMs,
  )
})
