import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/*
 * Members of one store run on one machine and in one PID namespace, so a member whose process is gone is dead at once
 * and nobody has to wait out its session.
 */

/** Start time of a process in clock ticks since boot (proc(5), stat field 22); empty where the system does not tell. */
export function processStarted(pid: number): string {
  return procStat(pid)?.[19] ?? ''
}

/** False once the process is gone, a zombie, or another one has got its pid. */
export function isProcessAlive(pid: number, started: string): boolean {
  const stat = started === '' ? undefined : procStat(pid)
  if (stat !== undefined) return stat[0] !== 'Z' && stat[0] !== 'X' && stat[19] === started
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process as people look for it. */
export interface ProcessPortrait {
  readonly pid: number
  /** Program and script; arguments are left out, as they may hold secrets. */
  readonly runs: string
  readonly since: Date | null
  readonly state: 'running' | 'stopped' | 'gone'
}

export function portrayProcess(pid: number): ProcessPortrait {
  const stat = procStat(pid)
  if (stat === undefined || stat[0] === 'Z' || stat[0] === 'X') {
    const gone = stat !== undefined || !isProcessAlive(pid, '')
    return { pid, runs: 'unknown', since: null, state: gone ? 'gone' : 'running' }
  }
  const state = stat[0] === 'T' || stat[0] === 't' ? 'stopped' : 'running'
  return { pid, runs: programOf(pid), since: startOf(stat[19]), state }
}

function programOf(pid: number): string {
  const [program = '', ...rest] = (readProc(`${pid}/cmdline`) ?? '').split('\0')
  const script = rest.find((argument) => argument !== '' && !argument.startsWith('-'))
  // Only a path tells what runs; anything else may be a value.
  return [basename(program), ...(script !== undefined && /\.[cm]?[jt]s$/.test(script) ? [script] : [])].join(' ')
}

/** USER_HZ, which proc(5) counts in, is 100 on every Linux that runs Node.js. */
const TICKS_PER_SECOND = 100

function startOf(ticks: string | undefined): Date | null {
  const boot = /^btime (\d+)/m.exec(readProc('stat') ?? '')?.[1]
  if (boot === undefined || ticks === undefined) return null
  return new Date((Number(boot) + Number(ticks) / TICKS_PER_SECOND) * 1_000)
}

/** Fields of /proc/PID/stat from the third (state) on: the second is the program's name and may hold anything. */
function procStat(pid: number): string[] | undefined {
  const text = readProc(`${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1')
  } catch {
    // No such process, or a system without /proc: kill(2) decides.
    return undefined
  }
}
