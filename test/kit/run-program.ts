import { spawn } from 'node:child_process'

/** Runs a program to its end and resolves to its standard output; rejects with its standard error when it fails. */
export function runProgram(file: string, args: readonly string[], input: string | Buffer = ''): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args])
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => out.push(data))
    child.stderr.on('data', (data: Buffer) => errors.push(data))
    // One that ended early says why itself.
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out))
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}: ${Buffer.concat(errors).toString()}`))
    })
    child.stdin.end(input)
  })
}
