import pino from 'pino'
import { defineUntypedTopic } from '../avro/define-topic.ts'
import { openControlLog } from '../core/control-log.ts'
import { DrawbridgeError, errorText, hasCode, isDrawbridgeError } from '../core/errors.ts'
import type { Topic } from '../core/topic.ts'
import { sleep } from '../core/wait.ts'
import { openBroker, type OpenBroker } from '../open-broker.ts'
import { registrySecrets } from '../registry/registry-options.ts'
import { secretsOf } from './config.ts'
import type { ConnectorContext } from './connector.ts'
import { createCounters } from './counters.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { type ChildMessage, isStartMessage, type StartMessage } from './ipc.ts'
import { type LoadedConnector, loadConnectors } from './load.ts'
import { createScrubber, urlSecrets } from './scrub.ts'

/** How often a sink looks for its topic, and after how many looks it says that it waits. */
const TOPIC_LOOK_MS = 200
const TOPIC_LOOKS_BEFORE_TOLD = 25

/**
 * The entry of a connector's process (see supervisor.ts). It waits for one start message, runs that connector and ends
 * with the exit code of design section 8. SIGTERM, SIGINT and the loss of the parent drain it; what is not drained in
 * time is left uncommitted and it exits 75.
 */
const stopping = new AbortController()
let started = false
let scrub = (text: string): string => text
const log = pino(
  { base: { connector: process.argv[2] ?? '' } },
  { write: (line: string) => void process.stderr.write(scrub(line)) },
)

process.stderr.on('error', () => stopping.abort())
process.on('SIGTERM', () => stopping.abort())
process.on('SIGINT', () => stopping.abort())
process.once('disconnect', () => stopping.abort())
process.on('uncaughtException', (error) => void fail(error))
process.on('unhandledRejection', (error) => void fail(error))
process.once('message', (message) => {
  if (isStartMessage(message)) main(message).then(() => end(EXIT.done), fail)
})
stopping.signal.addEventListener('abort', () => {
  if (!started) void end(EXIT.done)
})
/** Resolves once everything told so far is handed to the parent, or cannot be. */
let told = Promise.resolve()
function tell(message: ChildMessage): Promise<void> {
  told = new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, () => resolve())
  })
  return told
}

const counters = createCounters((totals) => void tell({ kind: 'counters', counters: totals }))

async function end(exitCode: number): Promise<never> {
  counters.flush()
  await told
  process.exit(exitCode)
}

async function fail(error: unknown): Promise<void> {
  const code = isDrawbridgeError(error) ? error.code : 'ERR_CONNECTOR_FAILED'
  const stack = isDrawbridgeError(error) || !(error instanceof Error) ? undefined : error.stack
  log.error({ code, stack }, errorText(error))
  await tell({ kind: 'error', code, message: scrub(errorText(error)) })
  await end(exitCodeOf(error))
}

async function main(start: StartMessage): Promise<void> {
  started = true
  const loaded = (await loadConnectors([start.file])).find((candidate) => candidate.name === start.name)
  if (loaded === undefined)
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `${start.file} holds no connector named ${JSON.stringify(start.name)} any more; start again with the file as it is now`,
    )
  scrub = createScrubber([
    ...secretsOf(loaded.connector.config, loaded.config),
    ...urlSecrets(start.brokerUrl),
    ...registrySecrets(start.registry),
  ])
  stopping.signal.addEventListener('abort', () => {
    void tell({ kind: 'draining' })
    const late = new DrawbridgeError(
      'ERR_DRAIN_DEADLINE',
      `not drained within ${start.drainTimeoutMs} ms; what was in hand is not committed and comes again`,
    )
    setTimeout(() => void fail(late), start.drainTimeoutMs).unref()
  })
  const broker = await openBroker(start.brokerUrl, { registry: start.registry, create: start.create, log })
  try {
    await runConnector(loaded, broker, start)
  } finally {
    await broker.close()
  }
}

async function runConnector(loaded: LoadedConnector, broker: OpenBroker, start: StartMessage): Promise<void> {
  const { name, connector, config, from } = loaded
  const topic = await openTopic(loaded, broker)
  if (topic === undefined || stopping.signal.aborted) return
  const shared = {
    name,
    broker,
    from,
    log,
    drainTimeoutMs: start.drainTimeoutMs,
    count: counters.count,
    topic,
    announce: (facts: Readonly<Record<string, string | number>>) => void tell({ kind: 'facts', facts }),
  } satisfies Partial<ConnectorContext>
  if (connector.copies === 'many') {
    void tell({ kind: 'running' })
    await connector.run(config, { ...shared, signal: stopping.signal, checkpoint: noCheckpoint })
    return
  }
  const lease = await openControlLog<unknown>({
    backend: broker.backend,
    clock: broker.clock,
    log,
    what: `source.${name}`,
    partitions: 1,
    async own({ state, save, signal }) {
      void tell({ kind: 'running' })
      await connector.run(config, {
        ...shared,
        signal: AbortSignal.any([signal, stopping.signal]),
        checkpoint: { initial: state, save },
      })
      if (signal.aborted && !stopping.signal.aborted) void tell({ kind: 'waiting' })
    },
  })
  const stop = () => void lease.close().catch(fail)
  if (stopping.signal.aborted) stop()
  stopping.signal.addEventListener('abort', stop, { once: true })
  await lease.done
}

/** Declares the topic where the configuration or the connector knows its schema, else takes it as it is. */
async function openTopic(
  { connector, config, topic }: LoadedConnector,
  broker: OpenBroker,
): Promise<Topic<unknown> | undefined> {
  if ('declaration' in topic) {
    await broker.declare(topic.declaration)
    return topic.declaration
  }
  const schema = connector.topicSchema?.(config)
  if (schema === undefined)
    return connector.kind === 'sink' ? await awaitTopic(topic.name, broker) : await broker.topic(topic.name)
  const declared = defineUntypedTopic({ name: topic.name, value: schema })
  await broker.declare(declared)
  return declared
}

/** A sink may be started before whoever declares its topic; it says so and waits. */
async function awaitTopic(name: string, broker: OpenBroker): Promise<Topic<unknown> | undefined> {
  for (let waits = 0; ; waits++) {
    try {
      return await broker.topic(name)
    } catch (error) {
      if (!hasCode(error, 'ERR_TOPIC_UNKNOWN')) throw error
      if (stopping.signal.aborted) return undefined
      if (waits === TOPIC_LOOKS_BEFORE_TOLD) {
        const message = `topic ${name} is not there yet; waiting for who declares it, or correct the name`
        log.warn({ topic: name }, message)
        void tell({ kind: 'error', code: error.code, message })
      }
      await sleep(broker.clock, TOPIC_LOOK_MS, stopping.signal)
    }
  }
}

const noCheckpoint: ConnectorContext['checkpoint'] = {
  initial: null,
  save: () =>
    Promise.reject(
      new DrawbridgeError('ERR_UNSUPPORTED', 'a connector with copies: many keeps no checkpoint; declare copies: one'),
    ),
}
