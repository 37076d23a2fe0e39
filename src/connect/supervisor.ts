import { redact, secretsOf } from './config.ts'
import { type Child, type ChildEnd, forkChild } from './child.ts'
import { EXIT } from './exit-codes.ts'
import type { ChildMessage } from './ipc.ts'
import { type LoadedConnector, loadConnectors } from './load.ts'
import { createRestartPolicy, type RestartOptions } from './restart.ts'
import { createScrubber, urlSecrets } from './scrub.ts'
import { registrySecrets, type RegistryOptions } from '../registry/registry-options.ts'
import type { ConnectorEvent, ConnectorState, ConnectorStatus } from './status.ts'

export interface SuperviseOptions {
  readonly brokerUrl: string
  /** Absent: the registry kept in the broker. */
  readonly registry?: RegistryOptions | undefined
  /** False: no topic is made. */
  readonly create?: boolean
  /** Aborting drains all connectors. */
  readonly signal?: AbortSignal
  /** How long a draining connector may take, milliseconds (default 30,000); then it is killed. */
  readonly drainTimeoutMs?: number
  readonly restart?: RestartOptions
  onEvent?(event: ConnectorEvent): void
  /** Takes the children's log lines (JSON, one each, without newline); standard error if absent. */
  onLog?(line: string): void
}

export interface RunResult {
  /** 0 when all are done or stopped, 70 when one failed, 75 when one did not drain in time. */
  readonly exitCode: number
  readonly statuses: readonly ConnectorStatus[]
}

export interface Supervisor {
  status(): readonly ConnectorStatus[]
  /** Resolves when no connector runs any more and none will be restarted. Never rejects. */
  readonly done: Promise<RunResult>
  /** Drains all. */
  stop(): void
}

/**
 * Runs every connector of the files, each in its own process, until all are done, failed or the signal aborts. ERR_CONFIG
 * with every problem before anything is started. What happens to a connector is told by events and the result.
 */
export async function runConnectors(files: readonly string[], options: SuperviseOptions): Promise<RunResult> {
  return superviseConnectors(await loadConnectors(files), options).done
}

/** Starts the connectors at once. */
export function superviseConnectors(connectors: readonly LoadedConnector[], options: SuperviseOptions): Supervisor {
  const scrub = createScrubber([
    ...connectors.flatMap(({ connector, config }) => secretsOf(connector.config, config)),
    ...urlSecrets(options.brokerUrl),
    ...registrySecrets(options.registry),
  ])
  const keepers = connectors.map((loaded) => keepRunning(loaded, options, scrub))
  const stop = () => {
    for (const keeper of keepers) keeper.stop()
  }
  if (options.signal?.aborted === true) stop()
  options.signal?.addEventListener('abort', stop, { once: true })
  const status = () => keepers.map((keeper) => keeper.status())
  const done = Promise.all(keepers.map((keeper) => keeper.ended)).then((codes): RunResult => {
    options.signal?.removeEventListener('abort', stop)
    const exitCode = [EXIT.tryAgain, EXIT.failed].find((code) => codes.includes(code)) ?? EXIT.done
    return { exitCode, statuses: status() }
  })
  return { status, done, stop }
}

interface Keeper {
  status(): ConnectorStatus
  /** The exit code this connector asks of the whole. */
  readonly ended: Promise<number>
  stop(): void
}

function keepRunning(loaded: LoadedConnector, options: SuperviseOptions, scrub: (text: string) => string): Keeper {
  const { name, connector, config, topic, file } = loaded
  const { brokerUrl, registry, create = true, drainTimeoutMs = 30_000 } = options
  const log = options.onLog ?? ((line: string) => void process.stderr.write(`${line}\n`))
  const decide = createRestartPolicy(options.restart)
  const stopping = new AbortController()
  let child: Child | undefined
  let earlier: Readonly<Record<string, number>> = {}
  let status: ConnectorStatus = {
    name,
    type: connector.type,
    kind: connector.kind,
    topic: topic.name,
    state: 'STARTING',
    pid: null,
    restarts: 0,
    counters: {},
    facts: {},
    lastError: null,
    config: redact(connector.config, config),
  }

  const change = (changed: ConnectorEvent['changed'], fields: Partial<ConnectorStatus>) => {
    status = { ...status, ...fields }
    options.onEvent?.({ changed, status })
  }
  const become = (state: ConnectorState, fields: Partial<ConnectorStatus> = {}) => change('state', { state, ...fields })
  const fail = (code: string, message: string) =>
    change('error', { lastError: { code, message: scrub(message), at: Date.now() } })

  const onMessage = (message: ChildMessage) => {
    switch (message.kind) {
      case 'running':
        return stopping.signal.aborted ? undefined : become('RUNNING')
      case 'waiting':
        return stopping.signal.aborted ? undefined : become('STARTING')
      case 'draining':
        return status.state === 'DRAINING' ? undefined : become('DRAINING')
      case 'counters':
        return change('counters', { counters: addCounters(earlier, message.counters) })
      case 'facts':
        return change('facts', { facts: { ...status.facts, ...message.facts } })
      case 'error':
        return fail(message.code, message.message)
    }
  }

  async function once(): Promise<ChildEnd> {
    let errorTold = false
    child = forkChild({
      start: { kind: 'start', file, name, brokerUrl, registry, create, drainTimeoutMs },
      onMessage(message) {
        errorTold ||= message.kind === 'error'
        onMessage(message)
      },
      onLine: (line) => log(scrub(asJsonLine(line, name))),
    })
    become('STARTING', { pid: child.pid, facts: {} })
    const end = await child.ended
    child = undefined
    earlier = status.counters
    if (!errorTold && end.exitCode !== EXIT.done)
      fail(
        'ERR_CONNECTOR_FAILED',
        end.signal === null
          ? `its process ended with exit code ${end.exitCode}`
          : `its process was ended by ${end.signal}`,
      )
    return end
  }

  async function keep(): Promise<number> {
    while (!stopping.signal.aborted) {
      const startedMs = performance.now()
      const end = await once()
      if (stopping.signal.aborted) {
        become('STOPPED', { pid: null })
        // Ended by our SIGTERM means: before it listened to signals, so with nothing in hand.
        const drained = end.exitCode === EXIT.done || (end.signal === 'SIGTERM' && !end.killed)
        return drained ? EXIT.done : EXIT.tryAgain
      }
      const nowMs = performance.now()
      const decision = decide({ exitCode: end.exitCode, ranMs: nowMs - startedMs, nowMs })
      if (decision.kind === 'done') {
        become('DONE', { pid: null })
        return EXIT.done
      }
      if (decision.kind === 'failed') {
        log(
          asJsonLine(
            `connector is FAILED and stays down (${decision.reason}); mend the cause and start it again`,
            name,
          ),
        )
        become('FAILED', { pid: null })
        return EXIT.failed
      }
      become('BACKOFF', { pid: null })
      await sleep(decision.delayMs, stopping.signal)
      if (!stopping.signal.aborted) change('state', { restarts: status.restarts + 1 })
    }
    become('STOPPED', { pid: null })
    return EXIT.done
  }

  return {
    status: () => status,
    ended: keep(),
    stop() {
      if (stopping.signal.aborted) return
      stopping.abort()
      if (child !== undefined) {
        become('DRAINING')
        child.drain()
      }
    },
  }
}

function addCounters(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum = { ...a }
  for (const [name, by] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + by
  return sum
}

/** What is not a log line of ours (a crash's stack, say) becomes one, so that the stream stays JSON. */
function asJsonLine(line: string, connector: string): string {
  return line.startsWith('{') && line.includes(`"connector":`)
    ? line
    : JSON.stringify({ level: 50, time: Date.now(), connector, msg: line })
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
