import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import type { FileSourceConfig } from '../../../../connectors/file-source/config.ts'
import { fileSource } from '../../../../connectors/file-source/index.ts'
import type { SourceState } from '../../../../connectors/file-source/progress.ts'
import type { ConnectorContext } from '../../../../src/connect/connector.ts'
import { loadConnectors } from '../../../../src/connect/load.ts'
import { defineUntypedTopic } from '../../../../src/avro/define-topic.ts'
import type { Broker } from '../../../../src/core/broker.ts'
import { DrawbridgeError } from '../../../../src/core/errors.ts'
import { silentLog } from '../../../../src/core/log.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-file-source-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ROWS = 12_000
const header = 'id\n'
const text = header + Array.from({ length: ROWS }, (_, index) => `${String(index).padStart(5, '0')}\n`).join('')
writeFileSync(join(folder, 'in.csv'), text)
/** Where row n begins. */
const offsetOf = (row: number) => header.length + row * 6

interface Sent {
  readonly value: { readonly id: string }
  resolve(): void
  reject(error: Error): void
}

/** Runs the source against a producer whose acknowledgements the test holds. */
async function start() {
  const file = join(folder, 'c.yaml')
  writeFileSync(
    file,
    'name: in\ntype: file-source\ntopic: t\nconfig: { path: in.csv, format: csv, checkpointRows: 1, checkpointMs: 10 }\n',
  )
  const [loaded] = await loadConnectors([file])
  const sent: Sent[] = []
  const saves: number[] = []
  const producer = {
    send: (value: { id: string }) => new Promise<void>((resolve, reject) => void sent.push({ value, resolve, reject })),
    close: () => Promise.resolve(),
  }
  const stop = new AbortController()
  const context: ConnectorContext = {
    name: 'in',
    broker: { producer: () => producer } as unknown as Broker,
    topic: defineUntypedTopic({
      name: 't',
      value: { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }] },
    }),
    from: 'earliest',
    log: silentLog,
    drainTimeoutMs: 1_000,
    signal: stop.signal,
    count: () => undefined,
    announce: () => undefined,
    checkpoint: {
      initial: null,
      save(state) {
        saves.push((state as SourceState).files['in.csv']?.offset ?? -1)
        return Promise.resolve()
      },
    },
  }
  const done = fileSource.run(loaded?.config as unknown as FileSourceConfig, context)
  return { sent, saves, done, stop }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('checkpoint-after-acknowledgement: a checkpoint never passes a row that is not acknowledged, also out of order', async () => {
  const { sent, saves, done } = await start()
  // The window is full and nothing is acknowledged: reading stands still and nothing is saved.
  await until(() => sent.length === 5_000)
  expect(saves).toEqual([])
  for (const row of [1, 2, 3, 4]) sent[row]?.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  expect(saves).toEqual([])
  sent[0]?.resolve()
  await until(() => saves.length > 0 && sent.length === 5_005)
  expect(Math.max(...saves)).toBe(offsetOf(5))
  for (let row = 5; row < ROWS; row++) {
    await until(() => sent.length > row)
    sent[row]?.resolve()
  }
  await done
  expect(saves.at(-1)).toBe(offsetOf(ROWS))
  expect(saves).toEqual(saves.toSorted((a, b) => a - b))
  expect(sent.map(({ value }) => value.id)).toEqual(text.slice(header.length).trim().split('\n'))
})

test('a send that fails ends it, with everything acknowledged before it saved and nothing behind it', async () => {
  const { sent, saves, done } = await start()
  await until(() => sent.length === 5_000)
  for (let row = 0; row < 100; row++) if (row !== 50) sent[row]?.resolve()
  sent[50]?.reject(new DrawbridgeError('ERR_APPEND_FAILED', 'the broker is gone'))
  await expect(done).rejects.toMatchObject({ code: 'ERR_APPEND_FAILED' })
  expect(saves.at(-1)).toBe(offsetOf(50))
})

test('aborted, it stops reading, waits for what is sent and saves it', async () => {
  const { sent, saves, done, stop } = await start()
  await until(() => sent.length === 5_000)
  stop.abort()
  for (const one of sent) one.resolve()
  await done
  expect(saves.at(-1)).toBe(offsetOf(sent.length))
  expect(sent.length).toBe(5_000)
})
