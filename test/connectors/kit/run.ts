import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from '@jest/globals'
import { loadConnectors } from '../../../src/connect/load.ts'
import type { ConnectorEvent, ConnectorStatus } from '../../../src/connect/status.ts'
import { type RunResult, superviseConnectors, type SuperviseOptions } from '../../../src/connect/supervisor.ts'

const folders: string[] = []
const running = new Set<Running>()
let runs = 0

afterEach(async () => {
  await Promise.all([...running].map((one) => one.stop()))
})
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder for one test, with the store in it. */
export function createFolder(files: Readonly<Record<string, string | Buffer>> = {}): {
  readonly path: string
  readonly brokerUrl: string
} {
  const path = mkdtempSync(join(tmpdir(), 'drawbridge-connectors-'))
  folders.push(path)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  return { path, brokerUrl: `embedded:${join(path, 'store')}` }
}

export interface Running {
  /** The configuration's file. */
  readonly file: string
  readonly events: readonly ConnectorEvent[]
  readonly lines: readonly string[]
  status(name: string): ConnectorStatus
  /** Resolves with the status of the first event for which the condition holds, now or later; rejects when all have ended without. */
  until(name: string, condition: (status: ConnectorStatus) => boolean): Promise<ConnectorStatus>
  readonly done: Promise<RunResult>
  stop(): Promise<RunResult>
}

/** Runs the connectors of a YAML text in the folder, for as long as the test lasts. */
export async function run(
  folder: { readonly path: string; readonly brokerUrl: string },
  yaml: string,
  options: Partial<SuperviseOptions> = {},
): Promise<Running> {
  const file = join(folder.path, `connectors-${runs++}.yaml`)
  writeFileSync(file, yaml)
  const events: ConnectorEvent[] = []
  const lines: string[] = []
  const watchers = new Set<() => void>()
  const supervisor = superviseConnectors(await loadConnectors([file]), {
    brokerUrl: folder.brokerUrl,
    ...options,
    onLog: (line) => lines.push(line),
    onEvent(event) {
      events.push(event)
      for (const look of watchers) look()
    },
  })
  const status = (name: string): ConnectorStatus => {
    const found = supervisor.status().find((one) => one.name === name)
    if (found === undefined) throw new Error(`no connector ${name}`)
    return found
  }
  const one: Running = {
    file,
    events,
    lines,
    status,
    done: supervisor.done,
    until(name, condition) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const now = supervisor.status().find((candidate) => candidate.name === name)
          if (now === undefined || !condition(now)) return
          watchers.delete(look)
          resolve(now)
        }
        watchers.add(look)
        void supervisor.done.then(() => {
          look()
          if (watchers.delete(look))
            reject(
              new Error(
                `ended without the awaited: ${JSON.stringify(supervisor.status())}\n${lines.slice(-20).join('\n')}`,
              ),
            )
        })
        look()
      })
    },
    async stop() {
      running.delete(one)
      supervisor.stop()
      return await supervisor.done
    },
  }
  running.add(one)
  return one
}

/** Resolves when the condition holds; looks every 20 ms, for what tells of no change (files, other processes). */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
