import type { CompatibilityLevel } from '../avro/compatibility.ts'

/**
 * Avro schemas by id and by subject; the contract of every registry. Ids are positive 32-bit integers, immutable for
 * ever: a deletion hides versions, never what an id stands for. Where a registry speaks of something it does not have,
 * `details.errorCode` carries the number of Confluent's REST dialect (see dialect.ts). A registry that does not answer
 * as it should is ERR_BROKER_UNREACHABLE, never ERR_SCHEMA_UNKNOWN.
 */
export interface Registry {
  /** Where the schemas are, without credentials: `topic` for the registry kept in the broker, else its base URLs. */
  readonly place: RegistryPlace
  /**
   * The id of this schema under the subject; registers it as the next version if it is new. Idempotent.
   * ERR_SCHEMA_INVALID; ERR_SCHEMA_INCOMPATIBLE when the subject's level forbids it; ERR_REGISTRY_READ_ONLY: nothing
   * is registered then.
   */
  register(subject: string, schema: string): Promise<RegisteredSchema>
  /** The registration of exactly this schema under the subject, or null. Registers nothing. */
  find(subject: string, schema: string, options?: LookOptions): Promise<RegisteredSchema | null>
  /** The schema text of an id, also of one whose versions were deleted. ERR_SCHEMA_UNKNOWN. */
  schemaById(id: number): Promise<string>
  /** Subjects and versions that have the id, sorted. ERR_SCHEMA_UNKNOWN. */
  usesOf(id: number, options?: LookOptions): Promise<readonly SubjectVersion[]>
  /** Newest version under the subject, or null. */
  latest(subject: string, options?: LookOptions): Promise<RegisteredSchema | null>
  /** A version under the subject, or null. */
  version(subject: string, version: number, options?: LookOptions): Promise<RegisteredSchema | null>
  /** Version numbers under the subject, ascending; empty where there is no such subject. */
  versions(subject: string, options?: LookOptions): Promise<readonly number[]>
  /** All subjects, sorted. */
  subjects(options?: LookOptions): Promise<readonly string[]>

  /**
   * Hides versions and resolves to their numbers: first softly, then, with `permanent`, for good; a number is never
   * given again. ERR_SCHEMA_UNKNOWN for what is not there (or softly deleted already); ERR_CONFIG for `permanent` on
   * what was not deleted softly before.
   */
  deleteSubject(subject: string, options?: DeleteOptions): Promise<readonly number[]>
  deleteVersion(subject: string, version: number, options?: DeleteOptions): Promise<number>

  /**
   * Why the schema could not be registered: differences, empty if it could. Against all versions that the subject's
   * level asks about, or against one version alone. ERR_SCHEMA_INVALID; ERR_SCHEMA_UNKNOWN for a version that is not there.
   */
  check(subject: string, schema: string, version?: number | 'latest'): Promise<readonly string[]>

  /** The level of a subject, null where it has none of its own; for null that of the whole registry, BACKWARD at first. */
  level(subject: string | null): Promise<CompatibilityLevel | null>
  /** With null the subject follows the registry again, and the registry BACKWARD. */
  setLevel(subject: string | null, level: CompatibilityLevel | null): Promise<void>
  /** As `level`: READWRITE at first. */
  mode(subject: string | null): Promise<RegistryMode | null>
  setMode(subject: string | null, mode: RegistryMode | null): Promise<void>

  close(): Promise<void>
}

export type RegistryPlace = 'topic' | readonly string[]

/** READONLY: nothing can be registered, deleted or set. The others are of foreign registries; a topic has them not. */
export type RegistryMode = 'READWRITE' | 'READONLY' | 'READONLY_OVERRIDE' | 'IMPORT' | 'FORWARD'
export const REGISTRY_MODES: readonly RegistryMode[] = [
  'READWRITE',
  'READONLY',
  'READONLY_OVERRIDE',
  'IMPORT',
  'FORWARD',
]

export interface LookOptions {
  /** Softly deleted versions, too. */
  readonly deleted?: boolean
}

export interface DeleteOptions {
  readonly permanent?: boolean
}

export interface SubjectVersion {
  readonly subject: string
  /** From 1, ascending. */
  readonly version: number
}

export interface RegisteredSchema extends SubjectVersion {
  readonly id: number
  readonly schema: string
}
