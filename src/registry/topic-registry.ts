import { canonicalSchema, isCompatible } from '../avro/compatibility.ts'
import type { Backend } from '../core/backend.ts'
import { KEPT_FOR_EVER } from '../core/topic-spec.ts'
import type { Clock } from '../core/clock.ts'
import { DrawbridgeError, hasCode } from '../core/errors.ts'
import { NO_HEADERS, type NewRecord } from '../core/record.ts'
import { createSchemaTable, type SchemaTable } from './schema-table.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** One partition, endless retention; each record states one registration as JSON. */
export const SCHEMA_TOPIC = 'drawbridge.schemas'
/** How many times a registration is proposed again because another process was quicker. */
const MAX_PROPOSALS = 50

/**
 * A registry kept in a topic, so that a broker without a schema server has one. The proposer checks compatibility,
 * appends, reads up to its own record, and proposes again where a quicker one made it void.
 */
export async function openTopicRegistry(backend: Backend, clock: Clock): Promise<Registry> {
  const table = createSchemaTable()
  let created = false
  let position = 0
  let reading: Promise<void> = Promise.resolve()

  async function create(): Promise<void> {
    if (created) return
    await backend.createTopic({ name: SCHEMA_TOPIC, partitions: 1, ...KEPT_FOR_EVER })
    created = true
  }

  /** Reads what has been appended since. Calls queue up, so that records are applied once and in order. */
  function catchUp(): Promise<void> {
    const next = reading.then(readOn)
    reading = next.catch(() => undefined)
    return next
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

  async function register(subject: string, schema: string): Promise<RegisteredSchema> {
    const text = canonicalSchema(schema)
    await create()
    await catchUp()
    for (let proposal = 0; proposal < MAX_PROPOSALS; proposal++) {
      const known = table.find(subject, text)
      if (known !== null) return known
      checkCompatible(table, subject, text)
      const versions = table.versions(subject)
      const entry = { id: table.idOf(text) ?? table.nextId(), subject, version: versions.length + 1, schema: text }
      const record: NewRecord = {
        key: Buffer.from(subject),
        value: Buffer.from(JSON.stringify(entry)),
        headers: NO_HEADERS,
        timestamp: clock.now(),
      }
      await backend.append(SCHEMA_TOPIC, 0, [record])
      await catchUp()
    }
    throw new DrawbridgeError(
      'ERR_APPEND_FAILED',
      `subject ${subject}: ${MAX_PROPOSALS} registrations in a row were overtaken by other processes; try again`,
      {
        details: { subject, outcome: 'not-written' },
      },
    )
  }

  return {
    register,
    async find(subject, schema) {
      const text = canonicalSchema(schema)
      const known = table.find(subject, text)
      if (known !== null) return known
      await catchUp()
      return table.find(subject, text)
    },
    async schemaById(id) {
      if (table.byId(id) === undefined) await catchUp()
      const schema = table.byId(id)
      if (schema !== undefined) return schema
      throw new DrawbridgeError(
        'ERR_SCHEMA_UNKNOWN',
        `schema id ${id} is not in the registry topic ${SCHEMA_TOPIC}; the record was written with another registry, or is not Avro`,
        { details: { id } },
      )
    },
    async latest(subject) {
      await catchUp()
      return table.versions(subject).at(-1) ?? null
    },
    async subjects() {
      await catchUp()
      return table.subjects()
    },
    async close() {
      await reading
    },
  }
}

function checkCompatible(table: SchemaTable, subject: string, schema: string): void {
  const earlier = table.versions(subject).map((version) => version.schema)
  const { compatible, differences } = isCompatible('BACKWARD', schema, earlier)
  if (compatible) return
  const list = differences.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw new DrawbridgeError(
    'ERR_SCHEMA_INCOMPATIBLE',
    `subject ${subject}: the new schema cannot follow version ${earlier.length} (BACKWARD): ${list.join('; ')}. Give new fields a default, or use another topic`,
    { details: { subject, differences: list } },
  )
}
