import type { RegisteredSchema } from './registry.ts'

/** The state of a registry topic, built by applying its records in order. */
export interface SchemaTable {
  /**
   * Applies one record. It is void where it states no registration, where the id stands for another schema, or where the
   * version is not the subject's last + 1. Compatibility is not judged: a later mend of the checker would renumber history.
   */
  apply(value: Buffer | null): void
  find(subject: string, schema: string): RegisteredSchema | null
  byId(id: number): string | undefined
  idOf(schema: string): number | undefined
  nextId(): number
  versions(subject: string): readonly RegisteredSchema[]
  subjects(): readonly string[]
}

export function createSchemaTable(): SchemaTable {
  const schemas = new Map<number, string>()
  const ids = new Map<string, number>()
  const bySubject = new Map<string, RegisteredSchema[]>()
  let lastId = 0

  return {
    apply(value) {
      const entry = parseEntry(value)
      if (entry === null) return
      const versions = bySubject.get(entry.subject) ?? []
      const standing = schemas.get(entry.id)
      if ((standing !== undefined && standing !== entry.schema) || entry.version !== versions.length + 1) return
      schemas.set(entry.id, entry.schema)
      if (!ids.has(entry.schema)) ids.set(entry.schema, entry.id)
      bySubject.set(entry.subject, [...versions, entry])
      lastId = Math.max(lastId, entry.id)
    },
    find: (subject, schema) => bySubject.get(subject)?.find((version) => version.schema === schema) ?? null,
    byId: (id) => schemas.get(id),
    idOf: (schema) => ids.get(schema),
    nextId: () => lastId + 1,
    versions: (subject) => bySubject.get(subject) ?? [],
    subjects: () => [...bySubject.keys()].sort(),
  }
}

/** What a record states, or null for bytes that state nothing of the kind. */
function parseEntry(value: Buffer | null): RegisteredSchema | null {
  if (value === null) return null
  let entry: Partial<RegisteredSchema>
  try {
    entry = JSON.parse(value.toString('utf8')) as Partial<RegisteredSchema>
  } catch {
    return null
  }
  const { id, subject, version, schema } = entry ?? {}
  const sound =
    Number.isInteger(id) &&
    Number(id) > 0 &&
    Number(id) <= 0x7fffffff &&
    Number.isInteger(version) &&
    typeof subject === 'string' &&
    typeof schema === 'string'
  return sound ? { id: Number(id), subject, version: Number(version), schema } : null
}
