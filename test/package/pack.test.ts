import { beforeAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'

/** An empty TypeScript project in which the packed tarball is installed, as a user would have it. */
let project = ''

beforeAll(async () => {
  const packed = tempDir()
  project = tempDir()
  cpSync('test/fixtures/package', project, { recursive: true })
  // `prepack` builds.
  await npm(process.cwd(), 'pack', '--pack-destination', packed)
  const tarball = readdirSync(packed).find((name) => name.endsWith('.tgz')) ?? 'no tarball'
  await npm(project, 'install', '--prefer-offline', '--no-package-lock', join(packed, tarball))
  await drawbridge('schemas', 'generate')
}, 240_000)

test('the-packed-program-compiles-and-a-wrong-field-does-not', async () => {
  const tsc = await runProcess(resolve('node_modules/typescript/bin/tsc'), {
    cwd: project,
    args: ['--pretty', 'false'],
  })
  const errors = tsc.stdout.split('\n').filter((line) => line.includes('error TS'))
  expect(errors).toEqual([
    expect.stringMatching(
      /^wrong-field\.ts\(5,73\): error TS2561: .*'totl' does not exist in type .*Did you mean to write 'total'\?/,
    ),
  ])
})

test('the-packed-program-runs', async () => {
  const run = await runProcess('program.ts', { cwd: project, nodeArgs: ['--disable-warning=ExperimentalWarning'] })
  expect(run.stderr).toBe('')
  const said = JSON.parse(run.stdout) as { next: readonly number[] }
  expect(said).toEqual({ total: 12.5, replayed: 12.5, next: [0, 0, 0, 0, 0, 0] })
  expect(run.code).toBe(0)
})

test('the-packed-programs-threads-run-no-web-assembly', async () => {
  // With any, Node 24 may end a process that opens many stores: DECISIONS.md, "Threads that strip types".
  const spy = `
    import { writeSync } from 'node:fs'
    import { isMainThread } from 'node:worker_threads'
    const told = (of) => new Proxy(of, {
      apply: (f, self, args) => (writeSync(1, 'web assembly\\n'), Reflect.apply(f, self, args)),
      construct: (f, args) => (writeSync(1, 'web assembly\\n'), Reflect.construct(f, args)),
    })
    if (!isMainThread) {
      writeSync(1, 'thread\\n')
      for (const name of ['Module', 'compile', 'instantiate']) WebAssembly[name] = told(WebAssembly[name])
    }`
  const nodeArgs = [
    '--disable-warning=ExperimentalWarning',
    '--import',
    `data:text/javascript,${encodeURIComponent(spy)}`,
  ]
  const run = await runProcess('program.ts', { cwd: project, nodeArgs })
  expect(run).toMatchObject({ code: 0, stderr: '' })
  expect(run.stdout).toContain('thread\n')
  expect(run.stdout).not.toContain('web assembly')
})

test('the packed command line works', async () => {
  expect((await drawbridge('--help')).stdout).toContain('Usage: drawbridge')
  const list = await drawbridge('topics', 'list', '--json', '--broker', 'embedded:./other')
  expect(list).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

async function drawbridge(...args: string[]) {
  const ran = await runProcess(join(project, 'node_modules/.bin/drawbridge'), { cwd: project, args })
  if (ran.code !== 0)
    throw new Error(`drawbridge ${args.join(' ')} ended with ${ran.code}:\n${ran.stdout}${ran.stderr}`)
  return ran
}

/** Runs npm, found as the shell would find it. */
function npm(cwd: string, ...args: string[]): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn('npm', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) done()
      else reject(new Error(`npm ${args.join(' ')} ended with ${code}:\n${Buffer.concat(said).toString()}`))
    })
  })
}
