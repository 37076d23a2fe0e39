import { randomBytes } from 'node:crypto'
import { connect } from '../../../src/index.ts'
import { eventually } from '../../kit/eventually.ts'
import type { Verdict } from '../../kit/judge-run.ts'
import { openTcpProxy, type TcpProxy } from '../../kit/tcp-proxy.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { type Crew, createCrew, PROGRESS_MS } from '../../promises/crew.ts'
import { createTicks } from '../../promises/programs/topic.ts'
import { changed } from './broker.ts'

export interface FaultRun {
  /** Who looks at the group and reads the log at the end. */
  readonly direct: string
  /** By which the members and the producer come; default: `direct`. */
  readonly url?: string
  readonly members: number
  /** The broker is thrown away, and the topic with it. */
  readonly keepTopic?: boolean
  readonly perSecond: number
}

/**
 * Members share a topic, which is made and deleted here, and a producer sends, while `disturb` does its worst; then the rest
 * is handled and everything is judged.
 */
export async function runFault(run: FaultRun, disturb: (crew: Crew, topic: string) => Promise<void>): Promise<Verdict> {
  const { direct, url = direct, members, perSecond } = run
  const ticks = createTicks(`faults-${randomBytes(4).toString('hex')}`)
  await using broker = await connect(direct)
  await broker.declare(ticks)
  await using crew = createCrew({ broker, url, group: 'faults', directory: tempDir(), topic: ticks })
  for (let n = 0; n < members; n++) crew.startMember()
  await eventually(
    async () => {
      const { members: joined } = await broker.groups.describe('faults', ticks)
      return joined.filter(({ partitions }) => partitions.length > 0).length === members
    },
    { what: `${members} members share the partitions`, timeoutMs: PROGRESS_MS },
  )
  const producer = crew.startProducer({ keys: 20, perSecond })
  await crew.underLoad(producer, 20_000)
  await disturb(crew, ticks.name)
  // Everybody goes on: what comes from now on is sent, stored and handled.
  await crew.underLoad(producer, 20_000)
  const verdict = await crew.finish()
  if (run.keepTopic === true) return verdict
  await eventually(() => broker.topics.delete(ticks.name).then(() => true), {
    what: 'the group counts as gone',
    timeoutMs: PROGRESS_MS,
  })
  return verdict
}

/** While it lasts every member may lose its partitions: what it had in hand may be handled again. */
export async function troubled(crew: Crew, trouble: () => Promise<void>): Promise<void> {
  const members = [...crew.members]
  for (const { name } of members) crew.journal.disturbed(name)
  await trouble()
  for (const { name } of members) crew.journal.woken(name)
}

/** Every producer has had sends acknowledged. */
export async function producersUnderLoad(crew: Crew): Promise<void> {
  for (const producer of crew.producers) await crew.underLoad(producer, 5_000)
}

/** Streams and AMQP 0-9-1 of a broker through proxies that do the same at the same time. */
export interface Network {
  readonly url: string
  set(mode: Parameters<TcpProxy['set']>[0]): void
  /** How many are open. */
  connections(): number
  cut(): void
  /** Ends the connection for streams that came last. */
  cutNewest(): void
  close(): Promise<void>
}

export async function openNetwork(direct: string): Promise<Network> {
  const { hostname, port, searchParams } = new URL(direct)
  const streams = await openTcpProxy({ host: hostname, port: Number(searchParams.get('stream')) })
  const classic = await openTcpProxy({ host: hostname, port: Number(port) })
  const both = [streams, classic]
  return {
    url: changed(direct, { port: String(classic.port) }, { stream: String(streams.port) }),
    set: (mode) => both.forEach((proxy) => proxy.set(mode)),
    connections: () => streams.connections() + classic.connections(),
    cut: () => both.forEach((proxy) => proxy.cut()),
    cutNewest: streams.cutNewest,
    close: async () => void (await Promise.all(both.map((proxy) => proxy.close()))),
  }
}
