import { existsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Broker } from '../../src/core/broker.ts'
import { eventually } from '../kit/eventually.ts'
import { type Journal, journalLines, openJournal } from '../kit/journal.ts'
import { judgeRun, type Verdict } from '../kit/judge-run.ts'
import { startProcess, type TestProcess } from '../kit/process.ts'
import type { ConsumerOptions } from './programs/consumer.ts'
import type { ProducerOptions } from './programs/producer.ts'
import { ticks as ownTicks } from './programs/topic.ts'

/** Everything in a run has to make progress within this time, milliseconds. */
export const PROGRESS_MS = 300_000
/** What Jest gives a short run, milliseconds: what makes no progress is named by who waits for it, long before. */
export const SHORT_RUN_MS = 3 * PROGRESS_MS
/** How often a run looks at the group's positions, milliseconds. */
const LOOK_MS = 200

/** One producing or consuming process and its journal. */
export interface Hand {
  /** The name of its journal: the source of a producer's records. */
  readonly name: string
  readonly journal: string
  readonly process: TestProcess
  /** Kills it at this moment, whatever it does. */
  kill(): Promise<void>
  /** Bytes it has noted down. */
  noted(): number
  /** Records it has handled so far. */
  handled(): number
  /** Resolves when it works and listens to SIGTERM; rejects when it ended before. */
  started(): Promise<void>
  isOver(): boolean
}

export interface MemberOptions extends ConsumerOptions {
  /** Whether it may exit with 75, because its handlers do not end in time. */
  readonly mayExitLate?: boolean
}

/** The processes of a fault run on one topic and group, and what they have noted down. A run that fails leaves none behind. */
export interface Crew extends AsyncDisposable {
  readonly members: readonly Hand[]
  readonly producers: readonly Hand[]
  /** `at` is the broker's URL as this process sees it: through a proxy, say. */
  startMember(options?: MemberOptions, at?: string): Hand
  startProducer(options: ProducerOptions, at?: string): Hand
  /** Notes down that the process was stopped and woken, for the judge. */
  readonly journal: Journal
  /** Waits until the process has noted down some more. */
  underLoad(hand: Hand, bytes?: number): Promise<void>
  lag(): Promise<number>
  /** Sends of the producer that were rejected so far. */
  refused(producer: Hand): number
  /** Ends the producers, lets the members handle everything, ends them (each has to exit 0), and judges the whole run. */
  finish(): Promise<Verdict>
}

/** A run starts hundreds of processes: Node keeps what it compiled of the sources. */
const COMPILED = { NODE_COMPILE_CACHE: join(tmpdir(), 'drawbridge-compiled') }
const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))

/** A crew for the group on a topic of `createTicks`, which has to be declared. Journals go into `directory`. */
export function createCrew(options: {
  readonly broker: Broker
  readonly url: string
  readonly group: string
  readonly directory: string
  /** Default `ticks`. */
  readonly topic?: typeof ownTicks
  /** Added to the environment of all processes. */
  readonly env?: Readonly<Record<string, string>>
}): Crew {
  const { broker, url, group, directory, topic: ticks = ownTicks, env = {} } = options
  const members: Hand[] = []
  const producers: Hand[] = []
  const killed = new Set<TestProcess>()
  const unexpected: string[] = []
  const bossPath = join(directory, 'boss')
  const journal = openJournal(bossPath)
  let looking: Promise<void> | undefined
  let over = false

  function start(
    kind: 'producer' | 'consumer',
    hands: Hand[],
    args: (path: string) => readonly string[],
    codes: readonly number[] = [0],
  ): Hand {
    const name = `${kind}-${hands.length}`
    const path = join(directory, name)
    const process = startProcess(program(kind), { args: args(path), env: { ...COMPILED, ...env } })
    let ended = false
    void process.ended.then(({ code, signal }) => {
      ended = true
      if (
        (code !== null && codes.includes(code)) ||
        (signal === 'SIGKILL' && (killed.has(process) || kind === 'consumer'))
      )
        return
      unexpected.push(`${name} ended with ${signal ?? code}: ${process.stderr().slice(-2_000)}`)
    })
    const hand: Hand = {
      name,
      journal: path,
      process,
      isOver: () => ended,
      async started() {
        const ready = kind === 'consumer' ? 'joined' : 'sending'
        await process.message<Record<string, unknown>>(
          (said) => said[ready] === true,
          `${name} is ${ready}`,
          PROGRESS_MS,
        )
      },
      async kill() {
        killed.add(process)
        journal.disturbed(name)
        process.kill('SIGKILL')
        await process.ended
      },
      handled: () => count(path, 'h'),
      noted: () => statSync(path, { throwIfNoEntry: false })?.size ?? 0,
    }
    hands.push(hand)
    return hand
  }

  async function stopLooking(): Promise<void> {
    over = true
    await looking
  }

  async function dispose(): Promise<void> {
    await stopLooking()
    const running = [...members, ...producers].filter(({ isOver }) => !isOver())
    await Promise.all(running.map(({ kill }) => kill()))
  }

  async function look(): Promise<void> {
    while (!over) {
      const { positions } = await broker.groups.describe(group, ticks).catch(() => ({ positions: [] }))
      for (const [partition, { next }] of positions.entries()) if (next !== null) journal.position(partition, next)
      // A run that fails leaves this behind: it must not keep the process.
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref())
    }
  }

  function checkExpected(): void {
    if (unexpected.length > 0) throw new Error(unexpected.join('\n'))
  }

  async function underLoad(hand: Hand, bytes = 1): Promise<void> {
    const before = hand.noted()
    await eventually(
      () => {
        if (unexpected.length > 0) return 'ended'
        return hand.noted() >= before + bytes
      },
      { what: `${hand.name} is under load`, intervalMs: 2, timeoutMs: PROGRESS_MS },
    ).catch((error: Error) => {
      throw new Error(`${error.message}; ${hand.process.outcome()}`)
    })
    checkExpected()
  }

  async function lag(): Promise<number> {
    const { positions } = await broker.groups.describe(group, ticks)
    return positions.reduce((sum, position) => sum + position.lag, 0)
  }

  async function* log() {
    for await (const { partition, offset, value } of broker.read(ticks, { to: 'end' })) {
      yield { partition, offset, source: value.source, number: value.number, key: value.key }
    }
  }

  async function end(hands: readonly Hand[]): Promise<void> {
    const running = hands.filter(({ process, isOver }) => !killed.has(process) && !isOver())
    // A process that still starts does not listen to signals yet.
    await Promise.all(running.map(({ started }) => started()))
    for (const { process } of running) process.kill('SIGTERM')
    await Promise.all(running.map(({ process }) => process.ended))
    checkExpected()
  }

  return {
    [Symbol.asyncDispose]: dispose,
    members,
    producers,
    journal,
    underLoad,
    lag,
    refused: ({ journal }) => count(journal, 'f') + count(journal, 'u'),
    startMember({ mayExitLate = false, ...consumer } = {}, at = url) {
      looking ??= look()
      const settings = JSON.stringify({ topic: ticks.name, ...consumer })
      return start('consumer', members, (path) => [at, group, path, settings], mayExitLate ? [0, 75] : [0])
    },
    startProducer(producer, at = url) {
      const settings = JSON.stringify({ topic: ticks.name, ...producer })
      return start('producer', producers, (path) => [at, path, settings])
    },
    async finish() {
      await end(producers)
      await eventually(
        async () => {
          checkExpected()
          return (await lag()) === 0
        },
        { what: 'the group has handled everything', timeoutMs: PROGRESS_MS, intervalMs: 100 },
      )
      await end(members)
      await stopLooking()
      const files = (hands: readonly Hand[]) => hands.map((hand) => hand.journal).filter((path) => existsSync(path))
      return judgeRun({ senders: files(producers), members: [bossPath, ...files(members)], log: log() })
    },
  }
}

function count(journal: string, wanted: string): number {
  let lines = 0
  if (existsSync(journal)) for (const { letter } of journalLines(journal)) if (letter === wanted) lines++
  return lines
}

/** How many different members handled something, by their journals. */
export function busyMembers(crew: Crew): readonly string[] {
  return crew.members.filter((hand) => hand.noted() > 0).map(({ journal }) => basename(journal))
}
