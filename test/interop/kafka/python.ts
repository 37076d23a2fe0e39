import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { entryFolder, fillEntry } from '../../brokers/cache.ts'
import { underLock } from '../../brokers/nodes.ts'
import { isRoot } from '../../brokers/tools.ts'
import { runProgram } from '../../kit/run-program.ts'

/** Independent of ours in every line: a Kafka client and an Avro reader written in Python. */
const PACKAGES = ['kafka-python==3.0.12', 'fastavro==1.13.1']
const ENTRY = 'python-kafka-3.0.12-fastavro-1.13.1'

export interface Python {
  /** Runs a program of the folder `programs` and resolves to its standard output. */
  run(program: string, args: readonly string[]): Promise<string>
}

/** A Python with PACKAGES, made in the cache where it is missing. Else says why not. */
export async function findPython(): Promise<Python | string> {
  try {
    await underLock(() => fillEntry(ENTRY, makeEnvironment))
  } catch (error) {
    return `Python with ${PACKAGES.join(' and ')} cannot be had: ${String(error)}`
  }
  const python = join(entryFolder(ENTRY), 'bin', 'python')
  return {
    async run(program, args) {
      const file = fileURLToPath(new URL(`./programs/${program}`, import.meta.url))
      return (await runProgram(python, [file, ...args])).toString('utf8')
    },
  }
}

/** It is renamed when whole: only its scripts know the old path, and we call none but `python`. */
async function makeEnvironment(folder: string): Promise<void> {
  // Debian keeps what makes environments in a package of its own.
  if (spawnSync('python3', ['-m', 'ensurepip', '--version']).status !== 0 && isRoot()) {
    await runProgram('apt-get', ['update', '-q'])
    await runProgram('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'python3-venv'])
  }
  await runProgram('python3', ['-m', 'venv', folder])
  await runProgram(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--only-binary=:all:', ...PACKAGES])
}
