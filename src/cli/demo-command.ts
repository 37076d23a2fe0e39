import type { Command } from 'commander'
import { globalsOf } from './globals.ts'

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'real rows from a file through a typed topic to a webhook and a batch file; a process is killed, nothing is lost',
    )
    .action((_options: object, command: Command) => demo(command))
}

async function demo(command: Command): Promise<void> {
  const { runDemo } = await import('./demo.ts')
  // Without a broker of the user's own the demo takes a store of its own, not the project's.
  const { broker = process.env['DRAWBRIDGE_BROKER'] } = command.optsWithGlobals<{ broker?: string }>()
  process.exitCode = await runDemo({ ...(broker === undefined ? {} : { broker }), json: globalsOf(command).json })
}
