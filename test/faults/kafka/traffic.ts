import { randomBytes } from 'node:crypto'
import { connect } from '../../../src/index.ts'
import { eventually } from '../../kit/eventually.ts'
import type { Verdict } from '../../kit/judge-run.ts'
import { report } from '../../kit/soak-scale.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { type Crew, createCrew, PROGRESS_MS } from '../../promises/crew.ts'
import { createTicks } from '../../promises/programs/topic.ts'
import { clusterUrl, coordinatorOf } from './cluster.ts'

/** Where the processes connect; default: the cluster itself. */
export interface Seats {
  readonly members?: readonly string[]
  readonly producers?: readonly string[]
}

export interface Traffic extends Crew {
  readonly topic: string
  /** Members of the group as the broker knows them, with the number of partitions each holds. */
  shares(): Promise<readonly number[]>
  /** Waits until every process has noted down more: sends are acknowledged and records handled again. */
  allUnderLoad(): Promise<void>
  /**
   * Lets the node fail. Where it keeps the group, members hear nothing for about a session and let go: what they had not
   * committed may be handled again, until the group shares evenly and its positions have passed all that was there then.
   */
  failing(node: string, fail: () => Promise<void>): Promise<void>
}

const KEYS = 60
const PER_SECOND = 300

/** Three members and two producers at work on a topic of their own while `disturb` does its worst; everything is judged at the end. */
export async function underTraffic(
  scenario: string,
  disturb: (traffic: Traffic) => Promise<void>,
  { members = [clusterUrl, clusterUrl, clusterUrl], producers = [clusterUrl, clusterUrl] }: Seats = {},
): Promise<Verdict> {
  const topic = createTicks(`fault.${scenario}.${randomBytes(4).toString('hex')}`)
  const group = topic.name
  await using broker = await connect(clusterUrl)
  await broker.declare(topic)
  await using crew = createCrew({ broker, url: clusterUrl, group, directory: tempDir(), topic })
  const shares = async () =>
    (await broker.groups.describe(group, topic)).members.map(({ partitions }) => partitions.length)
  const allUnderLoad = async () => {
    await Promise.all([...crew.members, ...crew.producers].map((hand) => crew.underLoad(hand)))
  }
  const isShared = async () => (await shares()).join() === '2,2,2'
  /** Every partition's position has passed what was its end just now. */
  const isPassed = async () => {
    const look = async () => (await broker.groups.describe(group, topic)).positions
    const ends = (await look()).map(({ end }) => end)
    return eventually(
      async () => (await look()).every(({ next }, partition) => (next ?? 0) >= (ends[partition] ?? 0)),
      {
        what: 'positions pass what was the end',
        timeoutMs: PROGRESS_MS,
        intervalMs: 100,
      },
    )
  }
  const failing = async (node: string, fail: () => Promise<void>) => {
    const isCoordinator = (await coordinatorOf(group)) === node
    if (isCoordinator) for (const { name } of crew.members) crew.journal.disturbed(name)
    await fail()
    await allUnderLoad()
    if (!isCoordinator) return
    await eventually(isShared, { what: 'the group shares evenly again', timeoutMs: PROGRESS_MS, intervalMs: 100 })
    await isPassed()
    for (const { name } of crew.members) crew.journal.woken(name)
  }

  for (const at of members) crew.startMember({}, at)
  await eventually(async () => (await shares()).join() === '2,2,2', {
    what: 'three members share six partitions evenly',
    timeoutMs: PROGRESS_MS,
    intervalMs: 100,
  })
  for (const at of producers) crew.startProducer({ keys: KEYS, perSecond: PER_SECOND }, at)
  await allUnderLoad()
  await disturb({ ...crew, topic: topic.name, shares, allUnderLoad, failing })
  await allUnderLoad()
  const verdict = await crew.finish()
  const { acknowledged, failed, stored, handled, excused } = verdict.counts
  report(
    `kafka-faults: ${scenario}: ${acknowledged} acknowledged, ${failed} failed, ${stored} stored, ${handled} handled, ${excused} of them again after a stop; ` +
      `findings: ${verdict.findings.length === 0 ? 'none' : JSON.stringify(verdict.findings)}`,
  )
  return verdict
}
