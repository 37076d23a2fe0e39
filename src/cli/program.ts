import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { exitCodeOf } from '../connect/exit-codes.ts'
import { addConnect } from './connect.ts'
import { addConsume } from './consume.ts'
import { addDeadLetters } from './dead-letters.ts'
import { addDemo } from './demo-command.ts'
import { addDoctor } from './doctor.ts'
import { DEFAULT_BROKER } from './globals.ts'
import { addGroups } from './groups.ts'
import { checkOutput, endProcess, flushOutput } from './output.ts'
import { addProduce } from './produce.ts'
import { addReplay } from './replay.ts'
import { reportError, usageError } from './report-error.ts'
import { addSchemas } from './schemas.ts'
import { addTopics } from './topics.ts'

/** Builds the command tree. Every command loads what it needs when it runs, so that `--help` is quick. */
function createProgram(json: boolean): Command {
  const program = new Command('drawbridge')
    .description('Message layer for Node.js: typed Avro topics on Kafka, RabbitMQ or an embedded store')
    .version(packageVersion(), '-V, --version', "print the package's version")
    .option('--broker <url>', `the broker (env DRAWBRIDGE_BROKER; default ${DEFAULT_BROKER})`)
    .option(
      '--registry <url>',
      'schema registry in Confluent’s dialect, or `topic` (env DRAWBRIDGE_REGISTRY; default: kept in the broker)',
    )
    .option(
      '--no-create',
      'make no topic, also none of our own: a missing one is an error that says how an administrator makes it',
    )
    .option('--json', 'machine output: JSON, one value a line; errors as one JSON line on standard error')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {}, ...(json ? { writeErr: () => {} } : {}) })
    .exitOverride()
    .addHelpText(
      'after',
      `
First steps:
  drawbridge demo                  the main job on real data, in under a minute
  drawbridge topics create --help  a topic of your own, with an example
  drawbridge doctor                what is wrong here, and what to do

Exit codes: 0 done, 64 a mistake of the caller, 69 no answer from the broker, 70 failed, 75 try again, 130 interrupted`,
    )
  addDemo(program)
  addTopics(program)
  addSchemas(program)
  addProduce(program)
  addConsume(program)
  addReplay(program)
  addGroups(program)
  addDeadLetters(program)
  addConnect(program)
  addDoctor(program)
  return program
}

/** Of the package.json above this file, which stands one folder deeper when compiled. */
function packageVersion(): string {
  const place = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json'
  const { version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { readonly version: string }
  return version
}

async function run(args: readonly string[]): Promise<number> {
  const json = args.includes('--json')
  try {
    await createProgram(json).parseAsync(args, { from: 'user' })
    await flushOutput()
    checkOutput()
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const seen = error instanceof CommanderError ? usageError(error) : error
    reportError(seen, { json })
    return exitCodeOf(seen)
  }
}

/** Runs the command line of these arguments and ends the process. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const exitCode = await run(args)
  await flushOutput()
  endProcess(exitCode)
}
