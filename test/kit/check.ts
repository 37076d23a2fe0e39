// `npm run check`: everything that judges the source without running it. All steps run, so one round shows all findings.
import { spawn } from 'node:child_process'
import { lengthBreaches } from '../law/files.ts'
import { readTree } from './source-tree.ts'

interface Step {
  readonly name: string
  /** What to do when it fails. */
  readonly mend: string
  run(): Promise<Verdict>
}

interface Verdict {
  readonly ok: boolean
  readonly output: string
}

/** Where .avsc files stand with generated modules beside them. */
const SCHEMA_FOLDERS = ['schemas']

const steps: readonly Step[] = [
  { name: 'format (biome)', mend: 'run `npm run format`', run: () => tool('@biomejs/biome/bin/biome', 'format', '.') },
  {
    name: 'lint (oxlint)',
    mend: 'mend the findings',
    run: () => tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings'),
  },
  { name: 'types (tsc)', mend: 'mend the findings', run: () => tool('typescript/bin/tsc', '--noEmit') },
  {
    name: 'schemas',
    mend: `run \`npm run drawbridge -- schemas generate ${SCHEMA_FOLDERS.join(' ')}\``,
    run: () => node('src/cli/main.ts', 'schemas', 'check', ...SCHEMA_FOLDERS),
  },
  { name: 'file length', mend: 'split the files', run: lengths },
]

async function lengths(): Promise<Verdict> {
  const breaches = lengthBreaches(await readTree('src', 'connectors', 'test/kit', 'test/law'))
  return { ok: breaches.length === 0, output: breaches.join('\n') }
}

function tool(bin: string, ...args: string[]): Promise<Verdict> {
  return node(`node_modules/${bin}`, ...args)
}

function node(...args: string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }))
  })
}

const failed: Step[] = []
for (const step of steps) {
  const started = performance.now()
  const verdict = await step.run()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${verdict.ok ? 'ok  ' : 'FAIL'} ${step.name.padEnd(16)} ${seconds} s`)
  if (verdict.ok) continue
  failed.push(step)
  console.log(verdict.output.trimEnd().replaceAll(/^/gm, '     '))
}

if (failed.length === 0) {
  console.log(`check: all ${steps.length} steps passed`)
} else {
  console.log(`check: ${failed.length} of ${steps.length} steps failed`)
  for (const step of failed) console.log(`  ${step.name}: ${step.mend}`)
  process.exitCode = 1
}
