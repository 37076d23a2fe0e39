import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ProcessEnd, runProcess, startProcess, type TestProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'

const MAIN = resolve('src/cli/main.ts')
/** For tests of ten and more processes, each of which takes seconds on a busy machine. */
export const SLOWEST_MS = 180_000

export const ORDER_SCHEMA = {
  type: 'record',
  name: 'OrderPlaced',
  namespace: 'shop',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'customerId', type: 'string' },
    { name: 'total', type: 'double' },
  ],
}

/** The command line, in a directory and on an embedded store of its own. */
export interface Cli {
  readonly folder: string
  run(args: readonly string[], input?: string | Uint8Array): Promise<Ran>
  start(args: readonly string[]): TestProcess
  /** Writes a file into the directory. */
  file(name: string, content: string): string
}

export interface Ran extends ProcessEnd {
  readonly stdout: string
  readonly stderr: string
}

export function createCli(): Cli {
  const folder = tempDir()
  const common = { cwd: folder, env: { DRAWBRIDGE_BROKER: 'embedded:./store' } }
  return {
    folder,
    run: (args, input) => runProcess(MAIN, { ...common, args, ...(input === undefined ? {} : { input }) }),
    start: (args) => startProcess(MAIN, { ...common, args }),
    file(name, content) {
      writeFileSync(join(folder, name), content)
      return name
    },
  }
}

/** As `run`, for steps that have to succeed. */
export async function done(ran: Promise<Ran>): Promise<Ran> {
  const end = await ran
  if (end.code !== 0) throw new Error(`ended with ${end.signal ?? end.code}:\n${end.stdout}${end.stderr}`)
  return end
}

/** With the topic `shop.orders`. */
export async function createOrders(cli: Cli, partitions: number): Promise<void> {
  cli.file('order.avsc', JSON.stringify(ORDER_SCHEMA))
  const args = ['--schema', 'order.avsc', '--key', 'customerId', '--partitions', String(partitions)]
  await done(cli.run(['topics', 'create', 'shop.orders', ...args]))
}

export function orderLines(count: number): string {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ orderId: `o-${index}`, customerId: `c-${index % 7}`, total: index / 2 }),
  )
  return `${lines.join('\n')}\n`
}

export function jsonLines<T>(text: string): readonly T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
