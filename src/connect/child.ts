import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type ChildMessage, isChildMessage, type StartMessage } from './ipc.ts'

/** The worker stands beside this file, compiled or not. */
const WORKER = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url))
/** How long after its own deadline a draining child is waited for before it is killed. */
const KILL_GRACE_MS = 2_000

export interface ChildOptions {
  readonly start: StartMessage
  onMessage(message: ChildMessage): void
  onLine(line: string): void
}

export interface ChildEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** It did not end within the drain deadline. */
  readonly killed: boolean
}

export interface Child {
  readonly pid: number | null
  readonly ended: Promise<ChildEnd>
  /** SIGTERM now, SIGKILL when the deadline has passed. */
  drain(): void
}

/** Forks one connector's process. It inherits the environment, but no Node.js flags; it ends when its parent ends. */
export function forkChild(options: ChildOptions): Child {
  const { start } = options
  const child = fork(WORKER, [start.name], { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const lines = [child.stdout, child.stderr].map((stream) => forwardLines(stream, options.onLine))
  let killed = false
  let timer: NodeJS.Timeout | undefined
  child.on('message', (message) => {
    if (isChildMessage(message)) options.onMessage(message)
  })
  // A child that dies before it has read the message is reported by its end.
  child.send(start, () => undefined)
  return {
    pid: child.pid ?? null,
    ended: endOf(child).then(async (end) => {
      clearTimeout(timer)
      await Promise.all(lines)
      return { ...end, killed }
    }),
    drain() {
      if (timer !== undefined) return
      child.kill('SIGTERM')
      timer = setTimeout(() => {
        killed = true
        child.kill('SIGKILL')
      }, start.drainTimeoutMs + KILL_GRACE_MS)
    },
  }
}

function endOf(child: ChildProcess): Promise<Omit<ChildEnd, 'killed'>> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    child.on('error', () => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null })
    })
  })
}

async function forwardLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  lines.on('line', onLine)
  await once(lines, 'close')
}
