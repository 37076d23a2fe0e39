import { afterAll } from '@jest/globals'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { eventually } from './eventually.ts'

export interface ProcessOptions {
  readonly args?: readonly string[]
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Flags of Node itself. */
  readonly nodeArgs?: readonly string[]
  /** A command with its arguments that runs Node, such as `unshare`; signals reach the command, not Node. */
  readonly under?: readonly string[]
}

export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A real Node process. Its standard output is lines: JSON where the program talks to its test. */
export interface TestProcess {
  readonly pid: number
  /** Complete lines of standard output so far. */
  readonly lines: readonly string[]
  stderr(): string
  /** Whether it still runs, and the last things that it said: for the error of a test. */
  outcome(): string
  write(text: string): void
  endInput(): void
  /** Stops reading standard output, as `head` does when it has enough. */
  closeOutput(): void
  /** The first line that parses as JSON and matches, also one that came before the call. Rejects at once when the process ends without it. */
  message<T>(matches: (value: T) => boolean, what: string, timeoutMs?: number): Promise<T>
  /** All lines that parse as JSON, in order. */
  messages(): readonly unknown[]
  /** Sends the signal to this process alone, by its id. */
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<ProcessEnd>
}

const started = new Set<ChildProcess>()

/** Starts `node FILE`. Whatever still runs when the test file ends is killed. */
export function startProcess(file: string, options: ProcessOptions = {}): TestProcess {
  const line = [...(options.under ?? []), process.execPath, ...(options.nodeArgs ?? []), file, ...(options.args ?? [])]
  const child = spawn(line[0] ?? '', line.slice(1), {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  started.add(child)

  const lines: string[] = []
  const errors: string[] = []
  let end: ProcessEnd | undefined
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  // A program that ended no longer reads: what it wrote tells more than EPIPE.
  child.stdin.on('error', (error) => errors.push(`(stdin: ${error.message})\n`))
  const ended = endOf(child).then((result) => {
    end = result
    started.delete(child)
    return result
  })

  function outcome(): string {
    const how = end === undefined ? 'it still runs' : `it ended with ${end.signal ?? end.code}`
    return `${how}; stdout: ${lines.slice(-5).join(' | ') || '(nothing)'}; stderr: ${errors.join('').slice(-2_000) || '(nothing)'}`
  }

  return {
    pid: child.pid ?? 0,
    lines,
    stderr: () => errors.join(''),
    outcome,
    write: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    closeOutput: () => void child.stdout.destroy(),
    async message<T>(matches: (value: T) => boolean, what: string, timeoutMs = 30_000): Promise<T> {
      const find = () => {
        for (const value of parsed(lines)) if (matches(value as T)) return { value: value as T }
        return undefined
      }
      const found = await eventually(() => find() ?? (end === undefined ? undefined : 'ended'), {
        what,
        timeoutMs,
      }).catch(() => 'late' as const)
      if (typeof found === 'string') throw new Error(`no message: ${what} from ${file}; ${outcome()}`)
      return found.value
    },
    messages: () => parsed(lines),
    kill: (signal) => void child.kill(signal),
    ended,
  }
}

/** Runs `node FILE` to its end. */
export async function runProcess(
  file: string,
  options: ProcessOptions & { readonly input?: string | Uint8Array } = {},
): Promise<ProcessEnd & { readonly stdout: string; readonly stderr: string }> {
  const child = startProcess(file, options)
  if (options.input !== undefined) child.write(Buffer.from(options.input).toString('utf8'))
  child.endInput()
  const end = await child.ended
  return { ...end, stdout: child.lines.map((line) => `${line}\n`).join(''), stderr: child.stderr() }
}

async function endOf(child: ChildProcess): Promise<ProcessEnd> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}

function parsed(lines: readonly string[]): readonly unknown[] {
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown]
    } catch {
      return [] // A line for people among those for the test.
    }
  })
}

afterAll(async () => {
  const left = [...started]
  for (const child of left) child.kill('SIGKILL')
  const running = left.filter((child) => child.exitCode === null && child.signalCode === null)
  await Promise.all(running.map((child) => once(child, 'close')))
})
