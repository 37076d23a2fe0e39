import type { Command } from 'commander'
import { globalsOf } from './globals.ts'
import { output } from './output.ts'

export function addSchemas(program: Command): void {
  const schemas = program.command('schemas').description('TypeScript from Avro schemas')
  schemas
    .command('generate [dir]')
    .description('write FILE.ts beside every FILE.avsc below dir (default schemas)')
    .action((dir: string | undefined, _options: object, command: Command) => generate(dir ?? 'schemas', command))
  schemas
    .command('check [dir]')
    .description('fail where a generated file differs from its schema; writes nothing')
    .action((dir: string | undefined, _options: object, command: Command) => check(dir ?? 'schemas', command))
}
