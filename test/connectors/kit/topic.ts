import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SCRIPT = fileURLToPath(new URL('./topic-process.ts', import.meta.url))

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
  /** As `valueToJson` writes it. */
  readonly value: unknown
}

/** Everything in a topic now, read by a process of its own (native addons do not live in Jest's realms). */
export async function readTopic(brokerUrl: string, topic: string): Promise<readonly ReadRecord[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, 'read', brokerUrl, topic], {
    maxBuffer: 2 ** 30,
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadRecord)
}

/** Declares a topic and sends JSON values to it. */
export async function fillTopic(
  brokerUrl: string,
  topic: string,
  schema: object,
  options: { readonly partitions: number; readonly key: string },
  values: Iterable<unknown>,
): Promise<void> {
  const child = spawn(
    process.execPath,
    [SCRIPT, 'fill', brokerUrl, topic, JSON.stringify(schema), String(options.partitions), options.key],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  )
  for (const value of values) child.stdin.write(`${JSON.stringify(value)}\n`)
  child.stdin.end()
  const [exitCode] = (await once(child, 'exit')) as [number | null]
  if (exitCode !== 0) throw new Error(`filling ${topic} ended with exit code ${exitCode}`)
}
