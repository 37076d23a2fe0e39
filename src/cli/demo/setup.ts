import { copyFileSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { airport } from '../../../schemas/demo/airport.ts'
import { DrawbridgeError } from '../../core/errors.ts'

/** Where one run of the demo keeps its files, and what it is called on the broker. */
export interface DemoSetup {
  readonly directory: string
  readonly source: string
  readonly outbox: string
  /** Own names for each run, so that the demo can be run again on a shared broker. */
  readonly topic: string
  readonly connectors: { readonly source: string; readonly webhook: string; readonly file: string }
}

/** A folder of its own with the real input: the 3,376 airports of npm's vega-datasets. ERR_CONFIG where that is not installed. */
export function createSetup(): DemoSetup {
  const airports = findAirports()
  const directory = mkdtempSync(join(tmpdir(), 'drawbridge-demo-'))
  const run = directory.slice(-6)
  const source = join(directory, 'in', 'airports.csv')
  const outbox = join(directory, 'out')
  mkdirSync(dirname(source))
  mkdirSync(outbox)
  copyFileSync(airports, source)
  const topic = `demo.airports.${run}`
  return {
    directory,
    source,
    outbox,
    topic,
    connectors: { source: `demo-source-${run}`, webhook: `demo-webhook-${run}`, file: `demo-file-${run}` },
  }
}

function findAirports(): string {
  const require = createRequire(import.meta.url)
  const folders = require.resolve.paths('vega-datasets') ?? []
  const found = folders
    .map((folder) => join(folder, 'vega-datasets', 'data', 'airports.csv'))
    .find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new DrawbridgeError(
    'ERR_CONFIG',
    'the demo reads airports.csv of the npm package vega-datasets, which is not installed here; run `npm install vega-datasets` and start the demo again',
  )
}

/** Writes the schema and the three connectors' configuration, as a user would, and returns the configuration's path. */
export function writeConfig(
  setup: DemoSetup,
  parts: { readonly partitions: number; readonly webhookUrl: string; readonly secret: string },
): string {
  const { source, outbox, topic, connectors } = setup
  const schema = join(setup.directory, 'airport.avsc')
  writeFileSync(schema, JSON.stringify(airport, null, 2))
  const file = join(setup.directory, 'connectors.yaml')
  const text = `name: ${connectors.source}
type: file-source
topic:
  name: ${topic}
  schema: ${JSON.stringify(schema)}
  partitions: ${parts.partitions}
config:
  path: ${JSON.stringify(source)}
  format: csv
  idle: exit
---
name: ${connectors.webhook}
type: webhook-sink
topic: ${topic}
config:
  url: ${parts.webhookUrl}
  secrets: ["${parts.secret}"]
  allowPrivate: true
  concurrency: 16
---
name: ${connectors.file}
type: file-sink
topic: ${topic}
config:
  directory: ${JSON.stringify(outbox)}
  format: csv
  maxRows: 500
  maxWaitMs: 500
`
  writeFileSync(file, text, { mode: 0o600 })
  return file
}
