import { join } from 'node:path'
import { connect } from '../../src/index.ts'
import type { Broker } from '../../src/core/broker.ts'
import { hasCode } from '../../src/core/errors.ts'
import { eventually } from '../kit/eventually.ts'
import type { Verdict } from '../kit/judge-run.ts'
import type { Random } from '../kit/random.ts'
import { createCrew, type Hand, PROGRESS_MS } from './crew.ts'
import { ticks } from './programs/topic.ts'

export interface StopsRun {
  readonly directory: string
  /** Members stopped by SIGSTOP under load, one after another. */
  readonly stops: number
  readonly random: Random
}

export interface StopsResult extends Verdict {
  /** Members whose partitions went to the others while they were stopped. */
  readonly replaced: number
  /** Members that held the store's lock when they were stopped: everybody waits, nobody is expired. */
  readonly holders: number
}

/** Longer than a lease of the embedded backend: 12 ticks of 250 ms. */
export const PAST_LEASE_MS = 4_000
const MEMBERS = 3
const GROUP = 'stops'

/** Three members under load; one is stopped past its lease, and woken when the others have its partitions. */
export async function runStops({ directory, stops, random }: StopsRun): Promise<StopsResult> {
  const url = `embedded:${join(directory, 'store')}`
  await using broker = await connect(url)
  await broker.declare(ticks)
  await using crew = createCrew({ broker, url, group: GROUP, directory })
  const members = Array.from({ length: MEMBERS }, () => crew.startMember())
  const live = async () => (await broker.groups.describe(GROUP, ticks)).members
  const joined = async () => (await live()).filter(({ partitions }) => partitions.length === 2).length === MEMBERS
  const settled = () => eventually(joined, { what: 'three members share six partitions', timeoutMs: PROGRESS_MS })
  await settled()
  const producers = [0, 1].map(() => crew.startProducer({ keys: 50, perSecond: 300 }))
  const result = { replaced: 0, holders: 0 }

  for (let n = 0; n < stops; n++) {
    const victim = random.pick(members)
    await Promise.all([...members, ...producers].map((hand) => crew.underLoad(hand)))
    const before = await live()
    crew.journal.disturbed(victim.name)
    if (await stopHolds(broker, victim)) {
      result.holders++
      await new Promise((resolve) => setTimeout(resolve, PAST_LEASE_MS))
      if (JSON.stringify(await live()) !== JSON.stringify(before))
        throw new Error('a stalled store has expired a member')
    } else {
      result.replaced++
      await eventually(async () => (await live()).length < MEMBERS, {
        what: 'the stopped member is expired',
        timeoutMs: PROGRESS_MS,
      })
      const others = members.filter((member) => member !== victim)
      await Promise.all(others.map((member) => crew.underLoad(member, 20_000)))
    }
    crew.journal.woken(victim.name)
    victim.process.kill('SIGCONT')
    await settled()
  }
  return { ...(await crew.finish()), ...result }
}

/** Stops the process. True where it holds the store's lock thereby, so that everybody waits for it. */
export async function stopHolds(broker: Broker, { process }: Hand): Promise<boolean> {
  process.kill('SIGSTOP')
  try {
    // Any write that needs nobody else.
    await broker.groups.reset('probe', ticks, { to: 'earliest' })
    return false
  } catch (error) {
    if (!hasCode(error, 'ERR_STORE_BUSY')) throw error
    return error.details['pid'] === process.pid
  }
}
