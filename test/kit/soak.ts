// `npm run soak -- NAME`: one fault run at full count. Prints what it found as the test does; a failure keeps its exit code.
import { spawn } from 'node:child_process'
import { SOAK_VARIABLE } from './soak-scale.ts'

/** The fault runs and where they stand. */
const RUNS: Readonly<Record<string, string>> = {
  'three-members': 'test/promises/three-members.test.ts',
}
/** A full run may take this long, milliseconds. */
const TIMEOUT_MS = 3_600_000

const [name = '', ...rest] = process.argv.slice(2)
const file = Object.hasOwn(RUNS, name) ? RUNS[name] : undefined
if (file === undefined || rest.length > 0) {
  console.error(`usage: npm run soak -- NAME; names: ${Object.keys(RUNS).join(', ')}`)
  process.exit(64)
}
const child = spawn(process.execPath, ['test/kit/run-tests.ts', file, `--testTimeout=${TIMEOUT_MS}`], {
  stdio: 'inherit',
  env: { ...process.env, [SOAK_VARIABLE]: name },
})
child.on('close', (code) => {
  process.exitCode = code ?? 1
})
