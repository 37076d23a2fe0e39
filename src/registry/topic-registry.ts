import { canonicalSchema, type CompatibilityLevel, isCompatible } from '../avro/compatibility.ts'
import { parseSchema } from '../avro/parse-schema.ts'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import { DIALECT, idUnknown, incompatible, readOnly, subjectUnknown, versionUnknown } from './dialect.ts'
import type { DeleteOptions, RegisteredSchema, Registry, RegistryMode } from './registry.ts'
import { SCHEMA_TOPIC, type SchemaLog } from './schema-log.ts'
import type { SchemaTable } from './schema-table.ts'

/** How many times a registration is proposed again because another process was quicker. */
const MAX_PROPOSALS = 50
const MODES: readonly RegistryMode[] = ['READWRITE', 'READONLY']

/**
 * A registry kept in a topic, so that a broker without a schema server has one. The proposer checks compatibility,
 * appends, reads up to its own record, and proposes again where a quicker one made it void. Levels, modes and deletions
 * are statements in the same log, in force for every process that has read them.
 */
export function createTopicRegistry(log: SchemaLog): Registry {
  const { table } = log

  async function register(subject: string, schema: string): Promise<RegisteredSchema> {
    const text = soundText(schema)
    await log.catchUp()
    for (let proposal = 0; proposal < MAX_PROPOSALS; proposal++) {
      const known = table.find(subject, text)
      if (known !== null) return known
      checkWritable(subject)
      const differences = differencesOf(table, subject, text, table.versions(subject))
      if (differences.length > 0) throw incompatible(subject, differences, levelOf(table, subject))
      const id = table.idOf(text) ?? table.nextId()
      await log.state({ id, subject, version: table.nextVersion(subject), schema: text })
    }
    throw new DrawbridgeError(
      'ERR_APPEND_FAILED',
      `subject ${subject}: ${MAX_PROPOSALS} registrations in a row were overtaken by other processes; try again`,
      {
        details: { subject, outcome: 'not-written' },
      },
    )
  }

  function checkWritable(subject: string | null): void {
    const mode = (subject === null ? null : table.mode(subject)) ?? table.mode(null)
    if (mode === 'READONLY') throw readOnly(subject)
  }

  async function deleteSubject(subject: string, { permanent = false }: DeleteOptions = {}): Promise<readonly number[]> {
    await log.catchUp()
    const seen = table.versions(subject).map(({ version }) => version)
    const all = table.versions(subject, { deleted: true }).map(({ version }) => version)
    if (all.length === 0) throw subjectUnknown(subject)
    if (permanent ? seen.length > 0 : seen.length === 0) throw deletedWrong(`subject ${subject}`, permanent, 'subject')
    checkWritable(subject)
    const versions = permanent ? all : seen
    await log.state({ kind: 'deleted', subject, versions, permanent })
    return versions
  }

  async function deleteVersion(
    subject: string,
    version: number,
    { permanent = false }: DeleteOptions = {},
  ): Promise<number> {
    await log.catchUp()
    if (table.versions(subject, { deleted: true }).length === 0) throw subjectUnknown(subject)
    const visibility = table.visibility(subject, version)
    if (visibility === null || visibility === 'gone') throw versionUnknown(subject, version)
    if (permanent !== (visibility === 'soft'))
      throw deletedWrong(`subject ${subject} version ${version}`, permanent, 'version')
    checkWritable(subject)
    await log.state({ kind: 'deleted', subject, versions: [version], permanent })
    return version
  }

  async function check(subject: string, schema: string, version?: number | 'latest'): Promise<readonly string[]> {
    const text = soundText(schema)
    await log.catchUp()
    const versions = table.versions(subject)
    if (version === undefined) return differencesOf(table, subject, text, versions)
    const one = version === 'latest' ? versions.at(-1) : versions.find((each) => each.version === version)
    if (one === undefined && version !== 'latest') throw versionUnknown(subject, version)
    return differencesOf(table, subject, text, one === undefined ? [] : [one])
  }

  return {
    place: 'topic',
    register,
    deleteSubject,
    deleteVersion,
    check,
    async find(subject, schema, options) {
      const text = soundText(schema)
      await log.catchUp()
      return table.find(subject, text, options)
    },
    async schemaById(id) {
      if (table.byId(id) === undefined) await log.catchUp()
      return table.byId(id) ?? unknownId(id)
    },
    async usesOf(id, options) {
      await log.catchUp()
      if (table.byId(id) === undefined) unknownId(id)
      return table.usesOf(id, options)
    },
    async latest(subject, options) {
      await log.catchUp()
      return table.versions(subject, options).at(-1) ?? null
    },
    async version(subject, version, options) {
      await log.catchUp()
      return table.versions(subject, options).find((each) => each.version === version) ?? null
    },
    async versions(subject, options) {
      await log.catchUp()
      return table.versions(subject, options).map(({ version }) => version)
    },
    async subjects(options) {
      await log.catchUp()
      return table.subjects(options)
    },
    async level(subject) {
      await log.catchUp()
      return subject === null ? (table.level(null) ?? DEFAULT_LEVEL) : table.level(subject)
    },
    async setLevel(subject, level) {
      await log.catchUp()
      checkWritable(subject)
      await log.state({ kind: 'level', subject, level })
    },
    async mode(subject) {
      await log.catchUp()
      return subject === null ? (table.mode(null) ?? DEFAULT_MODE) : table.mode(subject)
    },
    async setMode(subject, mode) {
      if (mode !== null && !MODES.includes(mode)) {
        throw new DrawbridgeError(
          'ERR_UNSUPPORTED',
          `a registry kept in a topic has no mode ${mode}; use ${MODES.join(' or ')}`,
          { details: { mode, errorCode: DIALECT.modeInvalid } },
        )
      }
      await log.catchUp()
      await log.state({ kind: 'mode', subject, mode })
    },
    close: async () => undefined,
  }
}

const DEFAULT_LEVEL: CompatibilityLevel = 'BACKWARD'
const DEFAULT_MODE: RegistryMode = 'READWRITE'

/** The text that is kept, of a schema that any reader of ours can parse. */
function soundText(schema: string): string {
  try {
    parseSchema(schema, 'foreign')
    return canonicalSchema(schema)
  } catch (error) {
    throw new DrawbridgeError('ERR_SCHEMA_INVALID', errorText(error), {
      cause: error,
      details: { errorCode: DIALECT.schemaInvalid },
    })
  }
}

function unknownId(id: number): never {
  throw idUnknown(id, `the registry topic ${SCHEMA_TOPIC}`)
}

function levelOf(table: SchemaTable, subject: string): CompatibilityLevel {
  return table.level(subject) ?? table.level(null) ?? DEFAULT_LEVEL
}

function differencesOf(
  table: SchemaTable,
  subject: string,
  schema: string,
  earlier: readonly RegisteredSchema[],
): readonly string[] {
  const texts = earlier.map((each) => each.schema)
  const nameOf = (index: number) => `version ${earlier[index]?.version}`
  const { differences } = isCompatible(levelOf(table, subject), schema, texts, nameOf)
  return differences.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
}

function deletedWrong(what: string, permanent: boolean, kind: 'subject' | 'version'): DrawbridgeError {
  if (permanent) {
    const errorCode = kind === 'subject' ? DIALECT.subjectNotDeleted : DIALECT.versionNotDeleted
    return new DrawbridgeError('ERR_CONFIG', `${what} is not deleted; delete it without "permanent" first`, {
      details: { errorCode },
    })
  }
  const errorCode = kind === 'subject' ? DIALECT.subjectDeleted : DIALECT.versionDeleted
  return new DrawbridgeError(
    'ERR_SCHEMA_UNKNOWN',
    `${what} is deleted already; delete it with "permanent" to hide it for good`,
    { details: { errorCode } },
  )
}
