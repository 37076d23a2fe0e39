import type { Backend } from '../core/backend.ts'
import type { Clock } from '../core/clock.ts'
import { NO_HEADERS } from '../core/record.ts'
import { createTopicLog } from '../core/topic-log.ts'
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
  const log = createTopicLog(backend, SCHEMA_TOPIC, ({ value }) => table.apply(value))

  async function state(statement: Statement): Promise<void> {
    const key = 'subject' in statement && statement.subject !== null ? Buffer.from(statement.subject) : null
    const value = Buffer.from(JSON.stringify(statement))
    await log.append({ key, value, headers: NO_HEADERS, timestamp: clock.now() })
    await log.catchUp()
  }

  return { table, catchUp: log.catchUp, state, close: log.settled }
}
