import { afterEach, describe, expect } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { killNode, restartNode, startNode } from '../../brokers/nodes.ts'
import { eventually } from '../../kit/eventually.ts'
import { testUnless } from '../../kit/skip.ts'
import { soakScale } from '../../kit/soak-scale.ts'
import { PROGRESS_MS, SHORT_RUN_MS } from '../../promises/crew.ts'
import {
  type ClusterNetwork,
  clusterUrl,
  continueNode,
  coordinatorOf,
  deposed,
  leaderOf,
  mendCluster,
  missing,
  NODES,
  openNetwork,
  stopNode,
  wholeAgain,
} from './cluster.ts'
import { underTraffic } from './traffic.ts'

const SCALE = soakScale('kafka-faults', {
  short: { rounds: 1, cutMs: 5_000, muteMs: 2_000, timeoutMs: SHORT_RUN_MS },
  // A mute of 40 s is longer than a lost answer is asked for: such a send ends as unknown.
  full: { rounds: 10, cutMs: 30_000, muteMs: 40_000, timeoutMs: 3_600_000 },
})
const PATIENCE = { timeoutMs: PROGRESS_MS, intervalMs: 100 }
const networks: ClusterNetwork[] = []

afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.close()))
  if (missing === undefined) await mendCluster()
}, 180_000)

async function throughProxies(): Promise<ClusterNetwork> {
  const network = await openNetwork()
  networks.push(network)
  return network
}

function test(name: string, run: () => Promise<void>): void {
  testUnless(missing, name, run, SCALE.timeoutMs)
}

/** One node after the other fails in the way of `lose`, and comes back. */
async function failingNodes(
  scenario: string,
  choose: (topic: string, round: number) => Promise<string>,
  { lose, bringBack }: Readonly<Record<'lose' | 'bringBack', (node: string) => Promise<void>>>,
): Promise<void> {
  const { findings } = await underTraffic(scenario, async ({ topic, failing }) => {
    for (let round = 0; round < SCALE.rounds; round++) {
      const node = await choose(topic, round)
      await failing(node, async () => {
        await lose(node)
        await deposed(topic, node)
      })
      await bringBack(node)
      await wholeAgain(topic)
    }
  })
  expect(findings).toEqual([])
}

const KILL = { lose: (node: string) => killNode(node), bringBack: startNode }
const STOP = { lose: stopNode, bringBack: continueNode }
const aLeader = (topic: string, round: number) => leaderOf(topic, round % 6)

describe('three Kafka nodes: nothing lost, stored twice, out of order or passed over', () => {
  test('when-leaders-are-killed-under-traffic', () => failingNodes('leader-killed', aLeader, KILL))

  test('when-all-nodes-are-restarted-in-turn-under-traffic', async () => {
    const { findings, counts } = await underTraffic('rolling-bounce', async ({ topic }) => {
      for (let round = 0; round < SCALE.rounds; round++) {
        for (const node of NODES) {
          await restartNode(node)
          await wholeAgain(topic)
        }
      }
    })
    expect(findings).toEqual([])
    // A bounce in order is no failure for anybody.
    expect(counts.failed).toBe(0)
  })

  test('when-all-nodes-are-killed-at-once', async () => {
    const { findings } = await underTraffic('all-killed', async ({ topic, members, journal, allUnderLoad }) => {
      for (let round = 0; round < SCALE.rounds; round++) {
        // Members that are silent for a session let go of their partitions: what they had not committed comes again.
        for (const { name } of members) journal.disturbed(name)
        await Promise.all(NODES.map((node) => killNode(node)))
        await mendCluster()
        await wholeAgain(topic)
        await allUnderLoad()
        for (const { name } of members) journal.woken(name)
      }
    })
    // Until its high watermark has caught up (it is written to disk every 5 s), a coordinator that starts shows positions as they were
    // before (Kafka 4.3): older ones make records come again, and are no loss.
    expect(findings.filter(({ crime }) => crime !== 'position-back')).toEqual([])
  })

  test('when-a-leader-stands-still', () => failingNodes('leader-stopped', aLeader, STOP))

  test('when-the-node-that-keeps-the-group-stands-still', () =>
    failingNodes('coordinator-stopped', coordinatorOf, STOP))

  test('when-a-member-is-stopped-past-its-session', async () => {
    const { findings, counts } = await underTraffic(
      'member-stopped',
      async ({ members, journal, underLoad, shares }) => {
        for (let round = 0; round < SCALE.rounds; round++) {
          const [member] = members
          if (member === undefined) throw new Error('there is no member')
          await underLoad(member)
          journal.disturbed(member.name)
          member.process.kill('SIGSTOP')
          await eventually(async () => (await shares()).join() === '3,3', { ...PATIENCE, what: 'the others have all' })
          member.process.kill('SIGCONT')
          await eventually(async () => (await shares()).join() === '2,2,2', {
            ...PATIENCE,
            what: 'it is a member again',
          })
          journal.woken(member.name)
        }
      },
    )
    expect(findings).toEqual([])
    expect(counts.failed).toBe(0)
  })

  test('when-the-network-is-cut', async () => {
    const network = await throughProxies()
    const seats = { members: [network.url, clusterUrl, clusterUrl], producers: [network.url, clusterUrl] }
    const { findings } = await underTraffic(
      'network-cut',
      async ({ members, journal, shares, allUnderLoad }) => {
        for (let round = 0; round < SCALE.rounds; round++) {
          // Past its session, the others take over: what it has handled and not committed may come again there.
          journal.disturbed(members[0]?.name)
          network.set('stall')
          await sleep(SCALE.cutMs)
          // Every other time the connections do not survive.
          if (round % 2 === 1) network.cut()
          network.set('pass')
          await allUnderLoad()
          await eventually(async () => (await shares()).join() === '2,2,2', {
            ...PATIENCE,
            what: 'three members share',
          })
          journal.woken(members[0]?.name ?? '')
        }
      },
      seats,
    )
    expect(findings).toEqual([])
  })

  test('when-answers-are-lost-on-the-way', async () => {
    const network = await throughProxies()
    const { findings } = await underTraffic(
      'answers-lost',
      async ({ allUnderLoad }) => {
        for (let round = 0; round < SCALE.rounds; round++) {
          network.set('mute')
          await sleep(SCALE.muteMs)
          network.cut()
          network.set('pass')
          await allUnderLoad()
        }
      },
      { producers: [network.url, network.url] },
    )
    expect(findings).toEqual([])
  })
})
