import { runConnectors } from '../../../src/connect/supervisor.ts'

/** A supervisor in its own process, for tests of signals: FILE BROKER_URL. Tells events as JSON lines. */
const [file = '', brokerUrl = '', drainTimeoutMs = '10000'] = process.argv.slice(2)
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const result = await runConnectors([file], {
  brokerUrl,
  signal: stop.signal,
  drainTimeoutMs: Number(drainTimeoutMs),
  onEvent: (event) => console.log(JSON.stringify(event)),
})
process.exitCode = result.exitCode
