import type { Backend } from '../core/backend.ts'
import type { Clock } from '../core/clock.ts'
import { DrawbridgeError, hasCode } from '../core/errors.ts'
import { NO_HEADERS } from '../core/record.ts'
import { KEPT_FOR_EVER } from '../core/topic-spec.ts'
import type { Statement } from './schema-statement.ts'
import { createSchemaTable, type SchemaTable } from './schema-table.ts'

/** One partition, endless retention; each record is one statement as JSON. */
export const SCHEMA_TOPIC = 'drawbridge.schemas'

/** The registry's topic, and what its records come to. */
export interface SchemaLog {
  /** As of the last `catchUp`. */
  readonly table: SchemaTable
  /** Applies all that was appended before the call. Where there is no topic yet, nothing was. */
  catchUp(): Promise<void>
  /** Appends durably, creating the topic if there is none, and catches up with it. */
  state(statement: Statement): Promise<void>
  /** Resolves when no read is under way. */
  close(): Promise<void>
}

export function createSchemaLog(backend: Backend, clock: Clock): SchemaLog {
  const table = createSchemaTable()
  let created = false
  let position = 0
  let reading: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined

  /** One read at a time, so that records are applied once and in order; a read that has not begun serves all who wait for it. */
  function catchUp(): Promise<void> {
    waiting ??= reading.then(() => {
      waiting = undefined
      const read = readOn()
      reading = read.catch(() => undefined)
      return read
    })
    return waiting
  }

  async function readOn(): Promise<void> {
    let end: number
    try {
      end = (await backend.describeTopic(SCHEMA_TOPIC)).ranges[0]?.end ?? 0
    } catch (error) {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return
      throw error
    }
    if (end <= position) return
    const reader = await backend.openReader({
      topic: SCHEMA_TOPIC,
      ranges: [{ partition: 0, from: position, to: end }],
      limits: { maxRecords: 500, maxBytes: 4 * 1_048_576 },
    })
    try {
      for (let records = await reader.pull(0); records !== null; records = await reader.pull(0)) {
        if (records.length === 0)
          throw new DrawbridgeError('ERR_CLOSED', 'the broker was closed while schemas were read')
        for (const record of records) {
          table.apply(record.value)
          position = record.offset + 1
        }
      }
    } finally {
      await reader.close()
    }
  }

  async function state(statement: Statement): Promise<void> {
    if (!created) await backend.createTopic({ name: SCHEMA_TOPIC, partitions: 1, ...KEPT_FOR_EVER })
    created = true
    const key = 'subject' in statement && statement.subject !== null ? Buffer.from(statement.subject) : null
    const value = Buffer.from(JSON.stringify(statement))
    await backend.append(SCHEMA_TOPIC, 0, [{ key, value, headers: NO_HEADERS, timestamp: clock.now() }])
    await catchUp()
  }

  return { table, catchUp, state, close: () => reading }
}
