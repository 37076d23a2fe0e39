import type { CompatibilityLevel } from '../avro/compatibility.ts'
import type { LookOptions, RegisteredSchema, RegistryMode, RegistryPlace, SubjectVersion } from './registry.ts'
import { parseStatement } from './schema-statement.ts'

/** Whether a version can be seen: always, softly deleted, or deleted for good. */
export type Visibility = 'seen' | 'soft' | 'gone'

/** The state of a registry topic, built by applying its records in order. */
export interface SchemaTable {
  /**
   * Applies one record. A registration is void where the id stands for another schema, or where the version is not the
   * subject's last + 1, deleted ones counted. Compatibility is not judged: a later mend of the checker would renumber
   * history. A deletion hides; ids keep what they stand for.
   */
  apply(value: Buffer | null): void
  /** The newest registration of this text that can be seen. */
  find(subject: string, schema: string, options?: LookOptions): RegisteredSchema | null
  byId(id: number): string | undefined
  idOf(schema: string): number | undefined
  nextId(): number
  nextVersion(subject: string): number
  versions(subject: string, options?: LookOptions): readonly RegisteredSchema[]
  visibility(subject: string, version: number): Visibility | null
  subjects(options?: LookOptions): readonly string[]
  usesOf(id: number, options?: LookOptions): readonly SubjectVersion[]
  level(subject: string | null): CompatibilityLevel | null
  mode(subject: string | null): RegistryMode | null
  /** Which registry was recorded as this broker's, and by how many records. */
  bound(): { readonly registry: RegistryPlace | null; readonly number: number }
}

interface Version extends RegisteredSchema {
  visibility: Visibility
}

export function createSchemaTable(): SchemaTable {
  const schemas = new Map<number, string>()
  const ids = new Map<string, number>()
  const bySubject = new Map<string, Version[]>()
  const levels = new Map<string | null, CompatibilityLevel>()
  const modes = new Map<string | null, RegistryMode>()
  let bound: ReturnType<SchemaTable['bound']> = { registry: null, number: 0 }
  let lastId = 0

  function register(entry: RegisteredSchema): void {
    const versions = bySubject.get(entry.subject) ?? []
    const standing = schemas.get(entry.id)
    if ((standing !== undefined && standing !== entry.schema) || entry.version !== versions.length + 1) return
    schemas.set(entry.id, entry.schema)
    if (!ids.has(entry.schema)) ids.set(entry.schema, entry.id)
    bySubject.set(entry.subject, versions)
    versions.push({ ...entry, visibility: 'seen' })
    lastId = Math.max(lastId, entry.id)
  }

  /** For good only what was hidden softly before. */
  function hide(subject: string, numbers: readonly number[], permanent: boolean): void {
    for (const version of bySubject.get(subject) ?? []) {
      if (!numbers.includes(version.version)) continue
      if (!permanent && version.visibility === 'seen') version.visibility = 'soft'
      else if (permanent && version.visibility === 'soft') version.visibility = 'gone'
    }
  }

  function versions(subject: string, { deleted = false }: LookOptions = {}): readonly RegisteredSchema[] {
    return (bySubject.get(subject) ?? [])
      .filter(({ visibility }) => visibility === 'seen' || (deleted && visibility === 'soft'))
      .map(({ id, subject, version, schema }) => ({ subject, id, version, schema }))
  }

  function subjects(options?: LookOptions): readonly string[] {
    return [...bySubject.keys()].filter((subject) => versions(subject, options).length > 0).sort()
  }

  return {
    apply(value) {
      const statement = parseStatement(value)
      switch (statement?.kind) {
        case 'deleted':
          return hide(statement.subject, statement.versions, statement.permanent)
        case 'level':
          return put(levels, statement.subject, statement.level)
        case 'mode':
          return put(modes, statement.subject, statement.mode)
        case 'registry':
          if (statement.number === bound.number + 1) bound = statement
          return
        default:
          if (statement !== null && statement !== undefined) register(statement)
      }
    },
    find: (subject, schema, options) =>
      versions(subject, options).findLast((version) => version.schema === schema) ?? null,
    byId: (id) => schemas.get(id),
    idOf: (schema) => ids.get(schema),
    nextId: () => lastId + 1,
    nextVersion: (subject) => (bySubject.get(subject)?.length ?? 0) + 1,
    versions,
    visibility: (subject, version) => bySubject.get(subject)?.[version - 1]?.visibility ?? null,
    subjects,
    usesOf: (id, options) =>
      subjects(options).flatMap((subject) =>
        versions(subject, options)
          .filter((entry) => entry.id === id)
          .map(({ version }) => ({ subject, version })),
      ),
    level: (subject) => levels.get(subject) ?? null,
    mode: (subject) => modes.get(subject) ?? null,
    bound: () => bound,
  }
}

function put<T>(map: Map<string | null, T>, subject: string | null, value: T | null): void {
  if (value === null) map.delete(subject)
  else map.set(subject, value)
}
