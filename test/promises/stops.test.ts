import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { connect } from '../../src/index.ts'
import { eventually } from '../kit/eventually.ts'
import { verdictText } from '../kit/judge-run.ts'
import { createRandom } from '../kit/random.ts'
import { report, soakScale } from '../kit/soak-scale.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import { ticks } from './programs/topic.ts'
import { PAST_LEASE_MS, runStops, stopHolds } from './stops.ts'

const SCALE = soakScale('stops', {
  short: { stops: 2, timeoutMs: 600_000 },
  full: { stops: 100, timeoutMs: 3 * 3_600_000 },
})

async function openStore() {
  const directory = tempDir()
  const url = `embedded:${join(directory, 'store')}`
  const broker = await connect(url)
  await broker.declare(ticks)
  return { broker, url, directory }
}

describe('promise: hand-over', () => {
  it(
    'a-member-stopped-past-its-lease-under-load-begins-no-stale-handler',
    async () => {
      const random = createRandom()
      report(`stops: begins with seed ${random.seed}`)
      const result = await runStops({ directory: tempDir(), stops: SCALE.stops, random })
      report(
        `stops: ${result.replaced} members replaced while stopped, ${result.holders} held the lock; ${verdictText(result)}; seed ${random.seed}`,
      )
      expect(result.findings).toEqual([])
      expect(result.replaced + result.holders).toBe(SCALE.stops)
    },
    SCALE.timeoutMs,
  )

  it('a-member-stopped-while-idle-comes-back-as-a-new-member', async () => {
    const store = await openStore()
    await using broker = store.broker
    await using crew = createCrew({ ...store, group: 'idle' })
    const live = async () => (await broker.groups.describe('idle', ticks)).members
    const [stopped, other] = [crew.startMember(), crew.startMember()]
    const shared = async () => (await live()).filter(({ partitions }) => partitions.length === 3).length === 2
    await eventually(shared, { what: 'two members share six partitions', timeoutMs: 60_000 })
    const before = await live()
    crew.journal.disturbed(stopped.name)
    // Not within a renewal, where everybody would wait for it.
    while (await stopHolds(broker, stopped)) stopped.process.kill('SIGCONT')
    await eventually(async () => (await live()).some(({ partitions }) => partitions.length === 6), {
      what: 'the other one has all partitions',
      timeoutMs: 60_000,
    })
    const heir = (await live()).find(({ partitions }) => partitions.length === 6)?.id
    const producer = crew.startProducer({ keys: 50, perSecond: 500 })
    await crew.underLoad(other, 10_000)
    crew.journal.woken(stopped.name)
    stopped.process.kill('SIGCONT')
    await eventually(shared, { what: 'the woken one has a share again', timeoutMs: 60_000 })
    expect((await live()).map(({ id }) => id)).toContain(heir)
    // It has joined as somebody else: what it was before is fenced for ever.
    expect(before.filter(({ id }) => id !== heir)).toHaveLength(1)
    const old = before.find(({ id }) => id !== heir)?.id
    expect((await live()).map(({ id }) => id)).not.toContain(old)
    await Promise.all([stopped, other, producer].map((hand) => crew.underLoad(hand)))
    expect((await crew.finish()).findings).toEqual([])
  }, 300_000)

  it('a-stopped-writer-that-holds-the-lock-expires-nobody', async () => {
    const store = await openStore()
    await using broker = store.broker
    await using crew = createCrew({ ...store, group: 'holder' })
    const live = async () => (await broker.groups.describe('holder', ticks)).members
    for (const _ of [0, 1, 2]) crew.startMember()
    const shared = async () => (await live()).filter(({ partitions }) => partitions.length === 2).length === 3
    await eventually(shared, { what: 'three members share six partitions', timeoutMs: 60_000 })
    const before = await live()
    const producer = crew.startProducer({ keys: 50 })
    await crew.underLoad(producer, 100_000)
    // A writer under full load has the lock most of the time, so one of the next stops meets it there.
    await eventually(
      async () => {
        const holds = await stopHolds(broker, producer)
        if (!holds) producer.process.kill('SIGCONT')
        return holds
      },
      { what: 'the producer is stopped within a transaction', timeoutMs: 120_000 },
    )
    await new Promise((resolve) => setTimeout(resolve, PAST_LEASE_MS))
    expect(await live()).toEqual(before)
    producer.process.kill('SIGCONT')
    await crew.underLoad(producer)
    expect(await live()).toEqual(before)
    const verdict = await crew.finish()
    expect(verdict.findings).toEqual([])
    // Nobody lost a partition, so nothing came twice.
    expect(verdict.counts).toMatchObject({ excused: 0, handedOver: 0 })
  }, 600_000)
})
