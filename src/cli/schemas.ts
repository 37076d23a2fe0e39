import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { DrawbridgeError } from '../core/errors.ts'
import { globalsOf } from './globals.ts'
import { list, output } from './output.ts'
import { addSchemasRegistry } from './schemas-registry.ts'
import { addSchemasServe } from './schemas-serve.ts'

export function addSchemas(program: Command): void {
  const schemas = program.command('schemas').description('schemas of the registry, and TypeScript from schema files')
  schemas
    .command('generate [dir...]')
    .description('write FILE.ts beside every FILE.avsc below the directories (default schemas)')
    .action((dirs: string[], _options: object, command: Command) => generate(orDefault(dirs), command))
  schemas
    .command('check [dir...]')
    .description('fail where a generated file is missing or differs from its schema; writes nothing')
    .action((dirs: string[], _options: object, command: Command) => check(orDefault(dirs), command))
  addSchemasRegistry(schemas)
  addSchemasServe(schemas)
}

async function generate(dirs: readonly string[], command: Command): Promise<void> {
  const files = await run(dirs, { check: false })
  await list(globalsOf(command), files, ['state', 'file'])
}

async function check(dirs: readonly string[], command: Command): Promise<void> {
  const files = await run(dirs, { check: true })
  await list(globalsOf(command), files, ['state', 'file'])
  const wrong = files.filter(({ state }) => state !== 'same').map(({ file }) => file)
  if (wrong.length === 0) return
  const what = `${wrong.length === 1 ? 'one generated file does' : `${wrong.length} generated files do`} not match`
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${what} the schema: ${wrong.join(', ')}; run drawbridge schemas generate ${dirs.join(' ')}`,
    {
      details: { files: wrong },
    },
  )
}

async function run(dirs: readonly string[], options: { readonly check: boolean }) {
  const absent = dirs.find((dir) => !existsSync(dir))
  if (absent !== undefined) {
    throw new DrawbridgeError('ERR_CONFIG', `there is no directory ${absent}; name those that hold the .avsc files`)
  }
  const { generateAll } = await import('../avro/generate.ts')
  const files = []
  for (const dir of dirs) files.push(...(await generateAll(dir, options)))
  if (files.length === 0) output.note(`no .avsc file below ${dirs.join(', ')}`)
  return files
}

function orDefault(dirs: readonly string[]): readonly string[] {
  return dirs.length === 0 ? ['schemas'] : dirs
}
