import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { entryFolder, fillEntry } from '../brokers/cache.ts'
import { underLock } from '../brokers/nodes.ts'
import { isRoot } from '../brokers/tools.ts'
import { runProgram } from '../kit/run-program.ts'

export interface Python {
  /** Runs a program of the folder and resolves to its standard output. */
  run(program: string, args: readonly string[]): Promise<string>
  /** Starts one that goes on for some time; whoever starts it ends it. */
  start(program: string, args: readonly string[]): ChildProcessWithoutNullStreams
}

export interface PythonOptions {
  /** The environment's name in the cache; it names the packages and their versions. */
  readonly entry: string
  /** As pip takes them, with their versions. */
  readonly packages: readonly string[]
  /** Where the programs are. */
  readonly programs: URL
}

/** A Python with the packages, made in the cache where it is missing. Else says why not. */
export async function findPython({ entry, packages, programs }: PythonOptions): Promise<Python | string> {
  try {
    await underLock(() => fillEntry(entry, (folder) => makeEnvironment(folder, packages)))
  } catch (error) {
    return `Python with ${packages.join(' and ')} cannot be had: ${String(error)}`
  }
  const python = join(entryFolder(entry), 'bin', 'python')
  const line = (program: string, args: readonly string[]) => [fileURLToPath(new URL(program, programs)), ...args]
  return {
    async run(program, args) {
      return (await runProgram(python, line(program, args))).toString('utf8')
    },
    start: (program, args) => spawn(python, line(program, args)),
  }
}

/** It is renamed when whole: only its scripts know the old path, and we call none but `python`. */
async function makeEnvironment(folder: string, packages: readonly string[]): Promise<void> {
  // Debian keeps what makes environments in a package of its own.
  if (spawnSync('python3', ['-m', 'ensurepip', '--version']).status !== 0 && isRoot()) {
    await runProgram('apt-get', ['update', '-q'])
    await runProgram('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'python3-venv'])
  }
  await runProgram('python3', ['-m', 'venv', folder])
  await runProgram(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--only-binary=:all:', ...packages])
}
