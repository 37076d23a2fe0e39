import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/index.ts'
import { type Findings, judgeEffects, type Kill, readEffects } from '../kit/effects.ts'
import { eventually } from '../kit/eventually.ts'
import { startProcess, type TestProcess } from '../kit/process.ts'
import { ticks } from './programs/topic.ts'

export interface ThreeMembersRun {
  readonly directory: string
  readonly records: number
  readonly keys: number
  /** Members killed with SIGKILL under load, one after another; each is replaced by a new one. */
  readonly kills: number
}

export interface ThreeMembersResult {
  readonly findings: Findings
  readonly kills: readonly Kill[]
  /** Records behind the end when the last member had stopped. */
  readonly lag: number
  /** Processes that handled at least one record. */
  readonly handledBy: number
}

/** Everything in a run has to make progress within this time, milliseconds. */
const PROGRESS_MS = 300_000
const GROUP = 'three-members'
const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))

/** One producer and three consumers share an embedded store; members are killed while records flow. */
export async function runThreeMembers({
  directory,
  records,
  keys,
  kills,
}: ThreeMembersRun): Promise<ThreeMembersResult> {
  const url = `embedded:${join(directory, 'store')}`
  await using broker = await connect(url)
  await broker.declare(ticks)

  const files: string[] = []
  const startMember = () => {
    const file = join(directory, `effects-${files.length}`)
    files.push(file)
    return { file, process: startProcess(program('consumer'), { args: [url, GROUP, file] }) }
  }
  const members = [startMember(), startMember(), startMember()]
  await Promise.all(
    members.map(({ process }) =>
      process.message<{ joined?: boolean }>(({ joined }) => joined === true, 'a member joins'),
    ),
  )
  await eventually(
    async () =>
      (await broker.groups.describe(GROUP, ticks)).members.filter(({ partitions }) => partitions.length === 2)
        .length === 3,
    {
      what: 'three members share six partitions evenly',
    },
  )

  const producer = startProcess(program('producer'), { args: [url, String(records), String(keys)] })
  const killed: Kill[] = []
  for (let n = 0; n < kills; n++) {
    const [victim] = members.splice(n % 3, 1)
    if (victim === undefined) throw new Error('no member left to kill')
    const before = sizeOf(victim.file)
    await eventually(() => sizeOf(victim.file) > before + 20_000, {
      what: 'the member to be killed is under load',
      intervalMs: 2,
      timeoutMs: PROGRESS_MS,
    })
    victim.process.kill('SIGKILL')
    await victim.process.ended
    killed.push({ pid: victim.process.pid, at: process.hrtime.bigint() })
    if (n + 1 < kills) members.splice(n % 3, 0, startMember())
  }

  await producer.message<{ sent?: number }>(
    ({ sent }) => sent === records,
    'the producer has sent everything',
    PROGRESS_MS,
  )
  const lagNow = async () =>
    (await broker.groups.describe(GROUP, ticks)).positions.reduce((sum, { lag }) => sum + lag, 0)
  await eventually(async () => (await lagNow()) === 0, {
    what: 'the group has handled everything',
    timeoutMs: PROGRESS_MS,
    intervalMs: 100,
  })
  await Promise.all(members.map(({ process }) => stop(process)))

  const effects = readEffects(files)
  return {
    findings: judgeEffects(effects, { records, keys }, killed),
    kills: killed,
    lag: await lagNow(),
    handledBy: new Set(effects.map(({ pid }) => pid)).size,
  }
}

async function stop(member: TestProcess): Promise<void> {
  member.kill('SIGTERM')
  const end = await member.ended
  if (end.code !== 0) throw new Error(`a member ended with ${JSON.stringify(end)}: ${member.stderr()}`)
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
