import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConnectors } from '../../connect/load.ts'
import type { ConnectorEvent, ConnectorStatus } from '../../connect/status.ts'
import { superviseConnectors } from '../../connect/supervisor.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import { bar, createProgress } from '../progress.ts'
import { readFolder } from './compare.ts'
import type { Receiver } from './receiver.ts'
import type { DemoSetup } from './setup.ts'

export interface PipelineParts {
  readonly setup: DemoSetup
  readonly config: string
  readonly brokerUrl: string
  readonly rows: number
  readonly receiver: Receiver
  readonly signal: AbortSignal
  say(text: string): void
}

/** How often the conditions are looked at when no event tells of a change, milliseconds. */
const LOOK_MS = 100

/**
 * Runs the connectors until every row has reached the webhook and the files, killing the webhook sink half-way; then
 * drains them. Resolves to the number of kills. Rejects when a connector failed for good.
 */
export async function runPipeline({
  setup,
  config,
  brokerUrl,
  rows,
  receiver,
  signal,
  say,
}: PipelineParts): Promise<number> {
  const progress = createProgress()
  const statuses = new Map<string, ConnectorStatus>()
  const logFile = join(setup.directory, 'connectors.log')
  let killedPid: number | null = null
  let restarted = false

  const supervisor = superviseConnectors(await loadConnectors([config]), {
    brokerUrl,
    signal,
    onLog: (line) => appendFileSync(logFile, `${line}\n`),
    onEvent({ status }: ConnectorEvent) {
      statuses.set(status.name, status)
      if (
        status.name !== setup.connectors.webhook ||
        killedPid === null ||
        status.pid === killedPid ||
        restarted ||
        status.state !== 'RUNNING'
      )
        return
      restarted = true
      progress.clear()
      say(`the supervisor started it again (pid ${status.pid}); what was not committed is delivered again`)
    },
  })

  function killHalfWay(): void {
    const pid = statuses.get(setup.connectors.webhook)?.pid ?? null
    if (killedPid !== null || pid === null || receiver.received.size < rows / 2) return
    process.kill(pid, 'SIGKILL')
    killedPid = pid
    progress.clear()
    say(`half-way, ${receiver.received.size} of ${rows} rows delivered: webhook sink (pid ${pid}) killed with SIGKILL`)
  }
  receiver.onDelivery(killHalfWay)

  const isDone = () =>
    statuses.get(setup.connectors.source)?.state === 'DONE' &&
    receiver.received.size >= rows &&
    readFolder(setup.outbox).length >= rows
  let ended = false
  void supervisor.done.then(() => {
    ended = true
  })
  while (!ended && !signal.aborted && !isDone()) {
    const counted = (name: string, counter: string) => statuses.get(name)?.counters[counter] ?? 0
    const read = counted(setup.connectors.source, 'records_total')
    const filed = counted(setup.connectors.file, 'rows_total')
    const delivered = receiver.received.size
    progress.show(`  read ${read}  webhook ${bar(delivered, rows)} ${delivered}/${rows}  in files ${filed}`)
    const failed = [...statuses.values()].find(({ state }) => state === 'FAILED')
    if (failed !== undefined) {
      supervisor.stop()
      await supervisor.done
      throw new DrawbridgeError(
        'ERR_CONNECTOR_FAILED',
        `connector ${failed.name} failed: ${failed.lastError?.message ?? 'unknown cause'}; its log is ${logFile}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  progress.clear()
  supervisor.stop()
  await supervisor.done
  return killedPid === null ? 0 : 1
}
