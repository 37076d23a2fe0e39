import type { ProcessPortrait } from '../backends/embedded/process-life.ts'
import { describeFault, type Finding } from './finding.ts'

const MIB = 1_048_576

/** Examines who keeps the lock of an embedded store that could not be opened for it. */
export async function examineLock(directory: string): Promise<Finding> {
  const { readHolder } = await import('../backends/embedded/holder.ts')
  const { portrayProcess } = await import('../backends/embedded/process-life.ts')
  const check = 'lock'
  const holder = readHolder(directory)
  if (holder === undefined) return { check, status: 'fail', found: 'kept by an unknown process', next: 'try again' }
  const since = `kept since ${holder.since.toISOString()} by`
  if (!holder.isHere) {
    const found = `${since} process ${holder.pid} of another container or machine`
    return { check, status: 'fail', found, next: 'run doctor there' }
  }
  const process = portrayProcess(holder.pid)
  const found = `${since} ${portrait(process)}; nobody else can write`
  return { check, status: 'fail', found, next: remedy(process) }
}

/** Examines an embedded store and its processes, while this process has it open. */
export async function* examineStore(directory: string): AsyncGenerator<Finding> {
  const { inspectStore } = await import('../backends/embedded/inspect.ts')
  try {
    const store = await inspectStore(directory)
    const mib = (bytes: number) => Math.ceil(bytes / MIB)
    const size = `${mib(store.fileBytes)} MiB, ${mib(store.usedBytes)} MiB of it in use; it may grow to ${mib(store.mapBytes)} MiB`
    if (store.sharedFileSystem === undefined) yield { check: 'size', status: 'ok', found: size }
    else {
      const next = 'use this store from one machine only, or move it to a local disk'
      yield { check: 'size', status: 'warn', found: `${size}; on ${store.sharedFileSystem}`, next }
    }
    yield { check: 'lock', status: 'ok', found: 'nobody keeps the lock' }
    yield usersOf(store.processes)
    for (const reader of store.staleReaders) yield staleReader(reader, reader.behind)
    for (const member of store.silentMembers) yield silentMember(member, member.group, member.topic)
  } catch (error) {
    const next = 'read the message; the store cannot be looked into'
    yield { check: 'size', status: 'fail', found: describeFault(error), next }
  }
}

function usersOf(processes: readonly ProcessPortrait[]): Finding {
  if (processes.length === 0) return { check: 'users', status: 'ok', found: 'no other process uses the store' }
  const stopped = processes.filter(({ state }) => state === 'stopped')
  const found = processes.map(portrait).join('; ')
  if (stopped.length === 0) return { check: 'users', status: 'ok', found }
  return { check: 'users', status: 'warn', found, next: stopped.map(remedy).join('; ') }
}

function staleReader(reader: ProcessPortrait, behind: number): Finding {
  const found = `${portrait(reader)} keeps a state ${behind} transactions old, so the file grows with every write`
  return { check: 'readers', status: 'warn', found, next: remedy(reader) }
}

function silentMember(member: ProcessPortrait, group: string, topic: string): Finding {
  const found = `of group ${group} on ${topic}: ${portrait(member)}`
  if (member.state === 'stopped') return { check: 'members', status: 'warn', found, next: remedy(member) }
  const next = 'nothing: the next living member takes over its partitions; start one if there is none'
  return { check: 'members', status: 'warn', found, next }
}

function portrait({ pid, runs, since, state }: ProcessPortrait): string {
  const from = since === null ? '' : ` since ${since.toISOString()}`
  return `process ${pid} (${runs}${from}, ${state})`
}

function remedy({ pid, state }: ProcessPortrait): string {
  if (state === 'stopped') return `resume it with kill -CONT ${pid}, or end it with kill -9 ${pid}`
  return state === 'gone' ? 'nothing: it ends by itself' : `find out what process ${pid} waits for, or end it`
}
