import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from './broker.ts'
import { codeOf } from './error.ts'

/** A process that leads its own group. Its start time tells it from a later one under the same id. */
export interface Leader {
  readonly pid: number
  /** Clock ticks since the machine's start, as /proc says. */
  readonly startTime: number
}

interface Stat {
  readonly state: string
  readonly group: number
  readonly startTime: number
}

/** Starts the command as leader of a new group and session, which outlive us; its output is appended to the log. */
export async function startGroup(command: Command, log: string): Promise<Leader> {
  const out = openSync(log, 'a')
  try {
    const child = spawn(command.file, command.args, { detached: true, stdio: ['ignore', out, out] })
    await once(child, 'spawn')
    child.unref()
    const { pid } = child
    const stat = pid === undefined ? undefined : statOf(pid)
    if (pid === undefined || stat === undefined)
      throw new Error(`${command.file} ended at once; its output is in ${log}`)
    return { pid, startTime: stat.startTime }
  } finally {
    closeSync(out)
  }
}

export function isAlive(leader: Leader): boolean {
  const stat = statOf(leader.pid)
  return stat !== undefined && stat.startTime === leader.startTime && !isDead(stat)
}

/** Sends the signal to every process of the leader's group, and to nobody when the leader is gone. */
export function signalGroup(leader: Leader, signal: NodeJS.Signals): boolean {
  return isAlive(leader) && send(-leader.pid, signal)
}

/** Ends the group: SIGTERM, after `graceMs` SIGKILL; resolves when none of its processes is left. */
export async function endGroup(leader: Leader, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!isAlive(leader)) return 'gone'
  send(-leader.pid, 'SIGTERM')
  // One that is stopped would never get to see it.
  send(-leader.pid, 'SIGCONT')
  if (await groupGone(leader.pid, graceMs)) return 'ended'
  send(-leader.pid, 'SIGKILL')
  if (await groupGone(leader.pid, 10_000)) return 'killed'
  throw new Error(
    `process group ${leader.pid} outlives SIGKILL: ${membersOf(leader.pid).join(', ')}; look at \`ps -g ${leader.pid}\``,
  )
}

/** Whether no process of the group is left within the time. */
export async function groupGone(group: number, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs
  while (membersOf(group).length > 0) {
    if (performance.now() > until) return false
    await pause(50)
  }
  return true
}

/** /proc/PID/stat; the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', group: Number(fields[2]), startTime: Number(fields[19]) }
}

/** A value that changes with every start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

function membersOf(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statOf(pid)
      return stat !== undefined && stat.group === group && !isDead(stat)
    })
}

function statOf(pid: number): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function isDead(stat: Stat): boolean {
  return stat.state === 'Z' || stat.state === 'X'
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

function isGone(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ESRCH'
}
