import { readFileSync } from 'node:fs'

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

/** Fields of /proc/PID/stat from the third (state) on: the second is the program's name and may hold anything. */
function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    // No such process, or a system without /proc: kill(2) decides.
    return undefined
  }
}
