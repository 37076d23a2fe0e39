import { fileURLToPath } from 'node:url'
import type { StartPosition } from '../../../src/core/backend.ts'
import { startProcess, type TestProcess } from '../../kit/process.ts'

/** What programs/member.ts says. */
export interface MemberEvent {
  readonly event: 'joined' | 'assigned' | 'revoked' | 'lost' | 'failed' | 'records' | 'drained' | 'committed' | 'closed'
  /** Its id at the time. */
  readonly member?: string
  readonly partition?: number
  readonly partitions?: readonly number[]
  readonly position?: number
  readonly next?: number
  readonly values?: readonly (string | null)[]
  readonly outcome?: string
  /** Whether it knew at the time of the commit that its partitions may be somebody else's; null where a driver cannot tell. */
  readonly doubted?: boolean | null
}

export interface MemberProcess {
  readonly process: TestProcess
  events(event: MemberEvent['event']): readonly MemberEvent[]
  /** The first event that matches, also one of the past. */
  wait(what: string, matches: (event: MemberEvent) => boolean): Promise<MemberEvent>
  /** Values of all records it pulled. */
  values(): readonly (string | null)[]
}

export interface MemberProcessOptions {
  readonly url: string
  readonly topic: string
  readonly group: string
  readonly from?: StartPosition
  readonly commit?: boolean
}

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))
const TIMEOUT_MS = 60_000

/** A member of a group in a process of its own; resolves once it has joined. */
export async function startMember(options: MemberProcessOptions): Promise<MemberProcess> {
  const { url, topic, group, from = 'earliest', commit = false } = options
  const args = [url, topic, group, JSON.stringify(from), commit ? 'commit' : 'look']
  const process = startProcess(program('member'), { args })
  const events = (event: MemberEvent['event']) =>
    (process.messages() as readonly MemberEvent[]).filter((message) => message.event === event)
  const member: MemberProcess = {
    process,
    events,
    wait: (what, matches) => process.message<MemberEvent>(matches, what, TIMEOUT_MS),
    values: () => events('records').flatMap(({ values = [] }) => values),
  }
  await member.wait('the member joins', ({ event }) => event === 'joined')
  return member
}

export interface AppenderLine {
  readonly begins?: readonly string[]
  readonly acknowledged?: readonly string[]
  readonly firstOffset?: number | null
}

export function startAppender(url: string, topic: string): TestProcess {
  return startProcess(program('appender'), { args: [url, topic] })
}
