import { beforeAll, expect, test } from '@jest/globals'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'

/** Each source breaks the rule it is named for. A linter that lost its types would let them through. */
const BREACHES: Readonly<Record<string, string>> = {
  'no-floating-promises': `async function send(): Promise<void> {}\nexport function run(): void {\n  send()\n}`,
  'no-misused-promises': `export function run(ask: () => Promise<boolean>): number {\n  return ask() ? 1 : 2\n}`,
  'no-unsafe-member-access': `export const name = JSON.parse('{}').name as unknown`,
  'no-explicit-any': `export function run(value: any): unknown {\n  return value\n}`,
  'only-throw-error': `export function run(): void {\n  throw 'text'\n}`,
  'ban-ts-comment': `// @ts-ignore\nexport const a: number = 'text'`,
  'no-empty': `export function run(): void {\n  try {\n    JSON.parse('')\n  } catch {}\n}`,
  'no-cycle': `import { two } from './circle.ts'\nexport const one = (): number => two()`,
  'no-default-export': `export default 1`,
}

let report = ''

beforeAll(async () => {
  const folder = tempDir()
  const options = { strict: true, target: 'es2024', module: 'nodenext', allowImportingTsExtensions: true, noEmit: true }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }))
  mkdirSync(join(folder, 'src'))
  for (const [rule, source] of Object.entries(BREACHES)) writeFileSync(join(folder, 'src', `${rule}.ts`), `${source}\n`)
  const circle = `import { one } from './no-cycle.ts'\nexport const two = (): number => one()\n`
  writeFileSync(join(folder, 'src', 'circle.ts'), circle)
  const args = ['-c', resolve('.oxlintrc.json'), '--type-aware', '-f', 'unix', 'src']
  report = (await runProcess(resolve('node_modules/oxlint/bin/oxlint'), { cwd: folder, args })).stdout
})

test.each(Object.keys(BREACHES))('the linter refuses %s', (rule) => {
  expect(report).toMatch(new RegExp(`${rule}\\.ts:.*\\(${rule}\\)`))
})
