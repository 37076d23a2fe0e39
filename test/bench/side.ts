import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** One side of a bench: a process of its own, so that neither side pays for the other's memory or compiled code. */
export interface Side {
  readonly pid: number
  /** The next line it prints, parsed; rejects when it ends without one. */
  line<T>(): Promise<T>
  /** Resolves when it has ended well. */
  readonly ended: Promise<void>
}

/** Starts `PROGRAM.ts` beside the suite at `suiteUrl`. With `limitMs` one that hangs is killed, which ends its lines. */
export function startSide(
  suiteUrl: string,
  program: string,
  args: readonly (string | number)[],
  limitMs?: number,
  nodeArgs: readonly string[] = [],
): Side {
  const file = fileURLToPath(new URL(`./${program}.ts`, suiteUrl))
  const child = spawn(process.execPath, ['--no-warnings', ...nodeArgs, file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const timer = limitMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limitMs)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${signal ?? code}`))
    })
  })
  ended.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    ended,
    async line<T>() {
      const next = await lines.next()
      if (next.done === true) {
        await ended
        throw new Error(`${program} printed no result`)
      }
      return JSON.parse(next.value) as T
    },
  }
}

/** Runs a side to its end and resolves to the one line it prints. */
export async function runSide<T>(
  suiteUrl: string,
  program: string,
  args: readonly (string | number)[],
  limitMs?: number,
): Promise<T> {
  const side = startSide(suiteUrl, program, args, limitMs)
  const result = await side.line<T>()
  await side.ended
  return result
}
