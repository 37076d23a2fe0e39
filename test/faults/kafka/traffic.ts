import { randomBytes } from 'node:crypto'
import { connect } from '../../../src/index.ts'
import { eventually } from '../../kit/eventually.ts'
import type { Verdict } from '../../kit/judge-run.ts'
import { report } from '../../kit/soak-scale.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { type Crew, createCrew, PROGRESS_MS } from '../../promises/crew.ts'
import { createTicks } from '../../promises/programs/topic.ts'
import { clusterUrl } from './cluster.ts'

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
  const crew = createCrew({ broker, url: clusterUrl, group, directory: tempDir(), topic })
  const shares = async () =>
    (await broker.groups.describe(group, topic)).members.map(({ partitions }) => partitions.length)
  const allUnderLoad = async () => {
    await Promise.all([...crew.members, ...crew.producers].map((hand) => crew.underLoad(hand)))
  }

  for (const at of members) crew.startMember({}, at)
  await eventually(async () => (await shares()).join() === '2,2,2', {
    what: 'three members share six partitions evenly',
    timeoutMs: PROGRESS_MS,
    intervalMs: 100,
  })
  for (const at of producers) crew.startProducer({ keys: KEYS, perSecond: PER_SECOND }, at)
  await allUnderLoad()
  await disturb({ ...crew, topic: topic.name, shares, allUnderLoad })
  await allUnderLoad()
  const verdict = await crew.finish()
  const { acknowledged, failed, stored, handled, excused } = verdict.counts
  report(
    `kafka-faults: ${scenario}: ${acknowledged} acknowledged, ${failed} failed, ${stored} stored, ${handled} handled, ${excused} of them again after a stop; ` +
      `findings: ${verdict.findings.length === 0 ? 'none' : JSON.stringify(verdict.findings)}`,
  )
  return verdict
}
