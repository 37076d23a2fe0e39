import { spawn, spawnSync } from 'node:child_process'

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
  return { run }
}

function run(args: readonly string[], input: string | Buffer = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', [...args])
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => out.push(data))
    child.stderr.on('data', (data: Buffer) => errors.push(data))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('latin1'))
      else reject(new Error(`kcat ended with ${code}: ${Buffer.concat(errors).toString()}`))
    })
    child.stdin.end(input)
  })
}
