// `npm test [-- Jest's arguments]`: Jest on ES modules, the skipped tests with their reasons, and a closing line that counts.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closingLine, diedFiles, type JestResult, judge, merged } from './test-result.ts'

const folder = await mkdtemp(join(tmpdir(), 'drawbridge-jest-'))
const outputFile = join(folder, 'result.json')

try {
  const { result, exit } = await runAll(process.argv.slice(2))
  const verdict = judge(result, exit)
  for (const line of verdict.remarks) console.log(line)
  console.log(closingLine(result))
  process.exitCode = verdict.exitCode
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** A file whose process died in native code says nothing; it is run once more, for all to see, and a second death is a failure. */
async function runAll(args: readonly string[]): Promise<{ result: JestResult | undefined; exit: number | null }> {
  const exit = await runJest(args)
  const result = await readResult()
  const died = diedFiles(result)
  if (result === undefined || died.length === 0) return { result, exit }
  console.log(`a process died in native code under these test files; they are run once more:\n  ${died.join('\n  ')}`)
  const secondExit = await runJest([...died, '--maxWorkers=2'])
  const second = await readResult()
  if (second === undefined) return { result, exit }
  const whole = merged(result, second, died)
  return { result: whole, exit: whole.numFailedTests + whole.numRuntimeErrorTestSuites === 0 ? secondExit : 1 }
}

function runJest(args: readonly string[]): Promise<number | null> {
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  const jest = ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${outputFile}`]
  // Jest's JSON goes to the file; its own report is on stderr, which belongs on our stdout.
  const child = spawn(process.execPath, [...node, ...jest, ...args], { stdio: ['ignore', 'ignore', process.stdout] })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
}

async function readResult(): Promise<JestResult | undefined> {
  const text = await readFile(outputFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as JestResult)
}
