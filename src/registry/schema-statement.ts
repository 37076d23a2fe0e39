import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '../avro/compatibility.ts'
import { REGISTRY_MODES, type RegisteredSchema, type RegistryMode, type RegistryPlace } from './registry.ts'

/**
 * What a record of the registry topic states, as JSON. A registration has no kind, as the first readers of this log
 * knew nothing else: the others lack `id` and `schema`, so that they are void to those.
 */
export type Statement =
  | ({ readonly kind?: undefined } & RegisteredSchema)
  /** These versions are hidden: softly, or for good. */
  | {
      readonly kind: 'deleted'
      readonly subject: string
      readonly versions: readonly number[]
      readonly permanent: boolean
    }
  /** Subject null: the whole registry. Level or mode null: as if never set. */
  | { readonly kind: 'level'; readonly subject: string | null; readonly level: CompatibilityLevel | null }
  | { readonly kind: 'mode'; readonly subject: string | null; readonly mode: RegistryMode | null }
  /** Which registry belongs to this broker. Void unless `number` is one more than those before it. */
  | { readonly kind: 'registry'; readonly registry: RegistryPlace; readonly number: number }

/** Null for bytes that state nothing we know. */
export function parseStatement(value: Buffer | null): Statement | null {
  if (value === null) return null
  let json: unknown
  try {
    json = JSON.parse(value.toString('utf8'))
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null) return null
  const record = json as Readonly<Record<string, unknown>>
  return registration(record) ?? byKind(record)
}

function registration({ id, subject, version, schema }: Readonly<Record<string, unknown>>): Statement | null {
  const sound = isId(id) && Number.isInteger(version) && typeof subject === 'string' && typeof schema === 'string'
  return sound ? { id: Number(id), subject, version: Number(version), schema } : null
}

function byKind(record: Readonly<Record<string, unknown>>): Statement | null {
  const { kind, subject, versions, permanent, level, mode, registry, number } = record
  const aboutSubject = subject === null || typeof subject === 'string'
  switch (kind) {
    case 'deleted':
      return typeof subject === 'string' && isList(versions, Number.isInteger)
        ? { kind, subject, versions: versions as readonly number[], permanent: permanent === true }
        : null
    case 'level':
      return aboutSubject && isOneOf(level, [null, ...COMPATIBILITY_LEVELS]) ? { kind, subject, level } : null
    case 'mode':
      return aboutSubject && isOneOf(mode, [null, ...REGISTRY_MODES]) ? { kind, subject, mode } : null
    case 'registry':
      return isPlace(registry) && typeof number === 'number' ? { kind, registry, number } : null
    default:
      return null
  }
}

/** What the frame of a record can carry and Confluent's clients take: a positive 32-bit integer. */
export function isId(id: unknown): boolean {
  return Number.isInteger(id) && Number(id) > 0 && Number(id) <= 0x7fffffff
}

function isPlace(value: unknown): value is RegistryPlace {
  return value === 'topic' || (isList(value, (url) => typeof url === 'string') && (value as unknown[]).length > 0)
}

function isList(value: unknown, holds: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(holds)
}

function isOneOf<T>(value: unknown, list: readonly T[]): value is T {
  return (list as readonly unknown[]).includes(value)
}
