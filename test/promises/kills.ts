import { join } from 'node:path'
import { connect } from '../../src/index.ts'
import { eventually } from '../kit/eventually.ts'
import type { Verdict } from '../kit/judge-run.ts'
import type { Random } from '../kit/random.ts'
import { busyMembers, createCrew, type Hand, PROGRESS_MS } from './crew.ts'
import { ticks } from './programs/topic.ts'

export interface KillsRun {
  readonly directory: string
  /** Members that die by SIGKILL, each replaced by a new one. */
  readonly kills: number
  /** Records a second of each of the two producers. */
  readonly perSecond: number
  readonly keys: number
  readonly random: Random
}

export interface KillsResult extends Verdict {
  /** Members that died between an effect and its commit, by their own hand. */
  readonly atEffect: number
  /** Members that were killed at any moment. */
  readonly anywhere: number
  readonly producers: number
  readonly lag: number
  readonly handledBy: number
}

const MEMBERS = 3
const PRODUCERS = 2
/** A producer dies with every so many members. */
const PRODUCER_SHARE = 0.15

/**
 * Three members and two producers share an embedded store. Again and again one of them dies: half of the members right after
 * an outside effect, whose commit therefore never came; the others, and the producers, at any moment.
 */
export async function runKills({ directory, kills, perSecond, keys, random }: KillsRun): Promise<KillsResult> {
  const url = `embedded:${join(directory, 'store')}`
  await using broker = await connect(url)
  await broker.declare(ticks)
  await using crew = createCrew({ broker, url, group: 'kills', directory })
  const members = Array.from({ length: MEMBERS }, () => crew.startMember())
  await eventually(
    async () =>
      (await broker.groups.describe('kills', ticks)).members.filter(({ partitions }) => partitions.length === 2)
        .length === MEMBERS,
    { what: 'three members share six partitions evenly', timeoutMs: PROGRESS_MS },
  )
  const producers = Array.from({ length: PRODUCERS }, () => crew.startProducer({ keys, perSecond }))
  const died = { atEffect: 0, anywhere: 0, producers: 0 }

  for (let n = 0; n < kills; n++) {
    // A kill of one that still starts proves nothing.
    const victim = takeOne(members, random, await anyUnderLoad(members))
    await crew.underLoad(victim)
    if (random.next() < 0.5) {
      died.atEffect++
      victim.process.write(`die ${1 + random.below(100)}\n`)
      await victim.process.ended
    } else {
      died.anywhere++
      await killSoon(victim, random)
    }
    // Not awaited: the next one may die before this one has joined, or while the others take over.
    members.push(crew.startMember())
    if (random.next() < PRODUCER_SHARE) {
      died.producers++
      const producer = takeOne(producers, random)
      await crew.underLoad(producer)
      await killSoon(producer, random)
      producers.push(crew.startProducer({ keys, perSecond }))
    }
  }
  await Promise.all(members.map((member) => crew.underLoad(member)))
  const verdict = await crew.finish()
  return { ...verdict, ...died, lag: await crew.lag(), handledBy: busyMembers(crew).length }
}

async function anyUnderLoad(members: readonly Hand[]): Promise<readonly Hand[]> {
  return eventually(
    () => {
      const ready = members.filter((member) => member.noted() > 0)
      return ready.length > 0 ? ready : undefined
    },
    { what: 'a member is under load', timeoutMs: PROGRESS_MS },
  )
}

function takeOne(hands: Hand[], random: Random, from: readonly Hand[] = hands): Hand {
  const hand = random.pick(from)
  hands.splice(hands.indexOf(hand), 1)
  return hand
}

async function killSoon(hand: Hand, random: Random): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, random.below(200)))
  await hand.kill()
}
