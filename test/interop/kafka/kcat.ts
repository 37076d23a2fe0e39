import { spawnSync } from 'node:child_process'
import { runProgram } from '../../kit/run-program.ts'

export interface Kcat {
  /** Runs it and resolves to its standard output. `input` goes to its standard input. */
  run(args: readonly string[], input?: string | Buffer): Promise<string>
}

/** kcat 1.7 (Debian package), an independent client; installed where it is missing and this is root. Else says why not. */
export function findKcat(): Kcat | string {
  if (spawnSync('kcat', ['-V']).status !== 0) {
    if (process.getuid?.() !== 0) return 'kcat is not installed: apt-get install kcat'
    const installed = spawnSync('apt-get', ['install', '-y', '-q', 'kcat'], { stdio: 'ignore' })
    if (installed.status !== 0) return 'kcat could not be installed: apt-get install kcat fails'
  }
  return { run: async (args, input) => (await runProgram('kcat', args, input)).toString('latin1') }
}
