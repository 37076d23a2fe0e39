import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { DrawbridgeError } from '../core/errors.ts'
import { globalsOf } from './globals.ts'
import { list, output } from './output.ts'

export function addSchemas(program: Command): void {
  const schemas = program.command('schemas').description('TypeScript from Avro schemas')
  schemas
    .command('generate [dir]')
    .description('write FILE.ts beside every FILE.avsc below dir (default schemas)')
    .action((dir: string | undefined, _options: object, command: Command) => generate(dir ?? 'schemas', command))
  schemas
    .command('check [dir]')
    .description('fail where a generated file is missing or differs from its schema; writes nothing')
    .action((dir: string | undefined, _options: object, command: Command) => check(dir ?? 'schemas', command))
}

async function generate(dir: string, command: Command): Promise<void> {
  const files = await run(dir, { check: false })
  await list(globalsOf(command), files, ['state', 'file'])
}

async function check(dir: string, command: Command): Promise<void> {
  const files = await run(dir, { check: true })
  await list(globalsOf(command), files, ['state', 'file'])
  const wrong = files.filter(({ state }) => state !== 'same').map(({ file }) => file)
  if (wrong.length === 0) return
  const what = `${wrong.length === 1 ? 'one generated file does' : `${wrong.length} generated files do`} not match`
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${what} the schema: ${wrong.join(', ')}; run drawbridge schemas generate ${dir}`,
    {
      details: { files: wrong },
    },
  )
}

async function run(dir: string, options: { readonly check: boolean }) {
  if (!existsSync(dir))
    throw new DrawbridgeError('ERR_CONFIG', `there is no directory ${dir}; name the one that holds the .avsc files`)
  const { generateAll } = await import('../avro/generate.ts')
  const files = await generateAll(dir, options)
  if (files.length === 0) output.note(`no .avsc file below ${dir}`)
  return files
}
