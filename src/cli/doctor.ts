import type { Command } from 'commander'
import type { Finding } from './finding.ts'
import { globalsOf } from './globals.ts'
import { output } from './output.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check Node.js, the broker, its store, the registry and the generated schemas, and say what to do')
    .action((_options: object, command: Command) => doctor(command))
}

const EXIT_FAILED = 70

async function doctor(command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { examine } = await import('./examine.ts')
  let failed = false
  for await (const finding of examine(globals.broker, globals.registry)) {
    failed ||= finding.status === 'fail'
    if (globals.json) await output.data(finding)
    else for (const line of lines(finding)) await output.line(line)
  }
  process.exitCode = failed ? EXIT_FAILED : 0
}

function lines({ check, status, found, next }: Finding): readonly string[] {
  return [
    `${status.padEnd(4)}  ${check.padEnd(9)} ${found}`,
    ...(next === undefined ? [] : [`${''.padEnd(16)}next: ${next}`]),
  ]
}
